"""Checkpoints of running trials: when they are taken and where they are kept.

Small ones lie in the database, where a worker on any machine finds them; larger ones in a folder of
artifacts, which machines may share. One that cannot be kept costs the trial nothing but that. Knows
nothing of what is in one.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256

from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.storage.patience import cause, passes
from a3b_tune.storage.verbs import Checkpoint
from a3b_tune.tuning.studies import StoredStudy
from a3b_tune.tuning.trials import RunningTrial

# Bytes of a checkpoint that are kept in the database: a model of 300 000 weights with its moments.
IN_DATABASE = 4_000_000
# What stands in the database in place of a checkpoint that is kept in a file.
ELSEWHERE = b"a3b:file"


class Checkpoints:
    """Keeps the checkpoints of one worker's trials. `told` hears, once, why one was not kept."""

    def __init__(self, stored: StoredStudy, told: Callable[[str], None]) -> None:
        self._stored = stored
        self._interval = stored.file.study.checkpoint
        self._folder = artifact_folder(stored.storage.url) / "checkpoints"
        self._told = told
        self._taken: dict[int, float] = {}

    def due(self, trials: Collection[RunningTrial]) -> list[RunningTrial]:
        """Those of these trials whose last checkpoint, or start, is long enough ago."""
        now = time.monotonic()
        for trial in trials:
            self._taken.setdefault(trial.id, now)
        return [trial for trial in trials if now - self._taken[trial.id] >= self._interval]

    def forget(self, trials: Collection[RunningTrial]) -> None:
        """These trials have ended, or are somebody else's."""
        for trial in trials:
            self._taken.pop(trial.id, None)
            if trial.ending is not None:
                self._remove(trial)

    def keep(self, snapshots: Sequence[tuple[RunningTrial, int, bytes]]) -> None:
        """Keeps what trials need to go on after an epoch."""
        if not snapshots:
            return
        now = time.monotonic()
        self._taken.update((trial.id, now) for trial, _, _ in snapshots)
        try:
            kept = [
                Checkpoint(trial.id, trial.claim, epoch, self._placed(trial, epoch, data))
                for trial, epoch, data in snapshots
            ]
            with self._stored.storage.patience.none():
                self._stored.storage.save_checkpoints(kept)
            for trial, epoch, data in snapshots:
                if len(data) > IN_DATABASE:
                    self._remove(trial, but=epoch)
        except OSError as error:
            self._told(f"checkpoints cannot be kept in {self._folder}: {error.strerror or error}")
        except Exception as error:
            if not passes(error):
                raise
            self._told(f"checkpoints cannot be kept: {cause(error)}")

    def load(self, ids: Collection[int]) -> Mapping[int, Checkpoint]:
        """The checkpoints of those of these trials that have one which can be read from here."""
        found = self._stored.storage.load_checkpoints(ids) if ids else {}
        read = {trial_id: self._read(checkpoint) for trial_id, checkpoint in found.items()}
        return {trial_id: checkpoint for trial_id, checkpoint in read.items() if checkpoint}

    def _placed(self, trial: RunningTrial, epoch: int, data: bytes) -> bytes:
        """What is kept in the database."""
        if len(data) <= IN_DATABASE:
            return data
        path = self._folder / _name(trial.claim, trial.id, epoch)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return ELSEWHERE

    def _read(self, kept: Checkpoint) -> Checkpoint | None:
        if kept.data != ELSEWHERE:
            return kept
        try:
            data = (self._folder / _name(kept.claim, kept.trial_id, kept.step)).read_bytes()
        except OSError:
            return None
        return Checkpoint(kept.trial_id, kept.claim, kept.step, data)

    def _remove(self, trial: RunningTrial, but: int | None = None) -> None:
        """Takes away the files of a trial that this worker wrote, but for that of one epoch."""
        for path in self._folder.glob(_name(trial.claim, trial.id, "*")):
            if but is None or path.name != _name(trial.claim, trial.id, but):
                with suppress(OSError):
                    path.unlink()


def _name(claim: str, trial_id: int, epoch: int | str) -> str:
    """A file's name. Claims are unique, the numbers of trials only within a database."""
    return f"{sha256(claim.encode()).hexdigest()[:16]}-{trial_id}-{epoch}.safetensors"
