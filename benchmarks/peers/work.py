"""What the stack and its peers train: the cells of the benchmark's table.

Knows no loop. All sides draw their learning rate from the same range and train trials of the same
number of epochs, one after the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch

from a3b_tune.data import Dataset

EPOCHS = 10  # of a trial
LR = (1e-3, 1e-2)

# Called at the end of each epoch with the members that were trained and their mean accuracy. It
# raises an exception of the caller's when enough was measured.
Done = Callable[[int, float], None]


@dataclass(frozen=True)
class Work:
    """One cell."""

    data: str
    model: str
    width: int
    batch_size: int
    heads: int = 1
    pool: str = "select"
    max_length: int | None = None

    @property
    def name(self) -> str:
        return f"{self.data} {self.model} width {self.width} batch {self.batch_size}"

    @property
    def sparse(self) -> bool:
        """Whether the embedding is moved by SparseAdam: a step of IMDb then takes 4.1 ms, with
        dense fused Adam 8.0."""
        return self.data == "imdb"

    @property
    def settings(self) -> dict[str, bool | int | float | str]:
        """As a trial's flat settings, but for the learning rate."""
        found: dict[str, bool | int | float | str] = {
            "model.name": self.model,
            "model.width": self.width,
            "model.pool": self.pool,
            "optimizer.name": "sparse_adam" if self.sparse else "adam",
            "training.epochs": EPOCHS,
            "training.batch_size": self.batch_size,
        }
        if self.heads > 1:
            found["model.heads"] = self.heads
        if self.max_length is not None:
            found["data.max_length"] = self.max_length
        return found


@dataclass(frozen=True)
class Job:
    """What one process of one side is given."""

    work: Work
    dataset: Dataset
    device: torch.device
    seed: int
    done: Done
    compiled: bool = False
    slots: int = 1


def draw_lr(random: Random) -> float:
    """Log-uniform."""
    low, high = LR
    return low * (high / low) ** random.random()


GROUPS: dict[str, list[Work]] = {
    "synth, simple attention": [
        Work("synth", "simple_attention", width, batch)
        for width in (32, 64, 128)
        for batch in (16, 32, 64)
    ],
    "synth, simple attention, wide": [Work("synth", "simple_attention", 300, 16)],
    "synth, full attention": [Work("synth", "full_attention", 64, 32, heads=4)],
    "xor, all models": [
        Work("xor", "baseline", 64, 32, pool="mean"),
        Work("xor", "simple_attention", 64, 32),
        Work("xor", "full_attention", 64, 32, heads=4),
        Work("xor", "transformer", 64, 32, heads=4),
    ],
    "IMDb, baseline": [Work("imdb", "baseline", 64, 64, pool="mean", max_length=256)],
}
