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
    how many trials its stack has room for; `curve` are its values up to the checkpoint that it
    goes on from."""

    number: int
    settings: dict[str, Scalar]
    params: dict[str, Scalar]
    repeats: int | None
    slots: int
    curve: tuple[float, ...] = ()


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


@dataclass(frozen=True)
class StorageGone:
    """The storage does not answer; the worker waits for it and keeps what it has to write."""

    cause: str


@dataclass(frozen=True)
class StorageBack:
    """The storage answers again, after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Waiting:
    """Nothing is left to take, but other workers run so many trials, which may come back."""

    trials: int


@dataclass(frozen=True)
class Warned:
    """Something does not work that no trial needs."""

    text: str


Event = (
    LostFound
    | WorkerDied
    | TrialStarted
    | EpochDone
    | TrialEnded
    | StorageGone
    | StorageBack
    | Waiting
    | Warned
)
