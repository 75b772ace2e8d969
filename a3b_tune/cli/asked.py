"""What a person asked of a search: its options as they were typed, and the command to ask for more.

Knows no study file and does nothing.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

# How long a storage that is gone is waited for, where nothing else is asked.
PATIENCE = "10m"


@dataclass(frozen=True)
class Asked:
    """What the options of a search said, as it was typed."""

    command: str
    trials: str | None
    timeout: str | None
    model: str | None
    pool: str | None
    name: str | None
    sampler: str | None
    pruner: str | None
    seed: str | None
    workers: str
    stack: str
    device: str
    precision: str
    storage: str | None
    data_dir: Path | None
    changes: tuple[str, ...]
    as_json: bool
    budget: str | None = None
    retries: str | None = None
    patience: str = PATIENCE
    max_time: str | None = None
    tensorboard: Path | None = None
    wandb: str | None = None

    def overrides(self) -> list[tuple[str, str]]:
        """Each option that stands for a setting, with the word a person typed for it."""
        pairs = [
            ("--model", "model.name", self.model),
            ("--pool", "model.pool", self.pool),
            ("--trials", "study.trials", self.trials),
            ("--timeout", "study.timeout", self.timeout),
            ("--budget", "study.budget", self.budget),
            ("--max-time", "training.max_time", self.max_time),
            ("--retries", "study.retries", self.retries),
            ("--name", "study.name", self.name),
            ("--sampler", "study.sampler", self.sampler),
            ("--pruner", "study.pruner", self.pruner),
            ("--seed", "study.seed", self.seed),
        ]
        return [(word, f"{key}={value}") for word, key, value in pairs if value is not None]

    def typed(self) -> set[str]:
        """The keys that an option or a `--set` names."""
        pairs = [*(change for _, change in self.overrides()), *self.changes]
        return {change.partition("=")[0].strip() for change in pairs}

    def again(self, trials: int) -> str:
        """The command to type for `trials` trials of the same study, without its storage."""
        words = ["a3b-tune", *self.command.split(" ", 1), "--trials", str(trials)]
        pairs = [
            ("--model", self.model),
            ("--pool", self.pool),
            ("--name", self.name),
            ("--sampler", self.sampler),
            ("--pruner", self.pruner),
            ("--seed", self.seed),
            ("--workers", None if self.workers == "auto" else self.workers),
            ("--stack", None if self.stack == "auto" else self.stack),
            ("--device", None if self.device == "auto" else self.device),
            ("--precision", None if self.precision == "auto" else self.precision),
            ("--retries", self.retries),
            ("--max-time", self.max_time),
            ("--data-dir", None if self.data_dir is None else str(self.data_dir)),
            ("--tensorboard-dir", None if self.tensorboard is None else str(self.tensorboard)),
            ("--wandb", self.wandb),
            *(("--set", change) for change in self.changes),
        ]
        for word, value in pairs:
            words += [] if value is None else [word, value]
        return shlex.join(words)
