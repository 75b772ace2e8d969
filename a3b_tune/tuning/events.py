"""What happens in a run, told to whoever listens. Plain values: they travel between processes."""

from dataclasses import dataclass

from a3b_tune.study import Scalar
from a3b_tune.training import Epoch


@dataclass(frozen=True)
class LostFound:
    """Trials of dead workers, returned to the queue."""

    numbers: list[int]


@dataclass(frozen=True)
class TrialStarted:
    """`repeats` is an earlier trial with the same settings, now run with a new seed; `slots` is
    how many trials its stack has room for."""

    number: int
    settings: dict[str, Scalar]
    params: dict[str, Scalar]
    repeats: int | None
    slots: int


@dataclass(frozen=True)
class EpochDone:
    number: int
    epochs: int
    epoch: Epoch


@dataclass(frozen=True)
class TrialEnded:
    """`state` is one of `complete`, `pruned`, `failed`, `put back`."""

    number: int
    state: str
    value: float | None
    best_epoch: int | None
    reason: str | None


@dataclass(frozen=True)
class WorkerDied:
    """A worker process ended without a word: how, the trials it had, and whether another one takes
    its place."""

    pid: int
    how: str
    trials: list[int]
    replaced: bool


Event = LostFound | WorkerDied | TrialStarted | EpochDone | TrialEnded
