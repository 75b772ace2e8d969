"""What a storage can do beyond Optuna's own: verbs about many trials at once, each all or nothing.

A running trial is held under a claim, a text that names its worker and the call by which it was
taken. Whatever is written under a claim that is not the trial's any more is refused, so a worker
that was taken for dead does no harm when it comes back. A verb may be called again with the same
arguments, as after an answer that was lost: what was done is not done twice.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.storage.patience import Patience

# Above every trial's id: asks for the named trials alone.
NO_MORE = 2**31 - 1
# The system attribute that says which point of a grid a trial has.
POINT = "a3b:point"
# The user attribute that says under which claim a trial is held.
CLAIM = "a3b:claim"

# Every call of a storage that may be made again if its answer was lost.
CALLS = (
    *("create_whole_study", "create_within", "claim_waiting", "read", "write_all", "release"),
    *("beat", "beats", "save_checkpoints", "load_checkpoints"),
    *("get_study_id_from_name", "get_study_name_from_id", "get_study_directions"),
    *("get_study_user_attrs", "get_study_system_attrs", "get_all_studies"),
    *("set_study_user_attr", "set_study_system_attr", "set_trial_system_attr"),
    *("get_trial", "get_all_trials"),
)


@dataclass(frozen=True)
class Points:
    """The points of a grid that new trials may have: `among` of the numbers below `total`."""

    total: int
    among: Sequence[int]

    def choose(self, taken: Sequence[int], count: int) -> list[int]:
        """The points of at most `count` new trials, in order. `taken` are those of all trials; a
        point that was tried more often than one that is not among these is held back."""
        uses = [0] * self.total
        for point in taken:
            uses[point] += 1
        chosen: list[int] = []
        while len(chosen) < count:
            fewest = min(uses)
            free = [point for point in self.among if uses[point] == fewest]
            free = free[: count - len(chosen)]
            if not free:
                break
            for point in free:
                uses[point] += 1
            chosen += free
        return chosen


@dataclass(frozen=True)
class Change:
    """What is new of a running trial: drawn parameters, reported values by step, user attributes,
    and system attributes (`notes` of samplers and pruners); with a `state` this is its end. With
    `after`, what it reported after that step is wiped first."""

    trial_id: int
    claim: str
    params: Mapping[str, Any] = field(default_factory=dict)
    distributions: Mapping[str, BaseDistribution] = field(default_factory=dict)
    values: Mapping[int, float] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    state: TrialState | None = None
    value: float | None = None
    after: int | None = None


@dataclass(frozen=True)
class Release:
    """A running trial that is given up: to wait again, its settings kept, or to have failed. With a
    `beat`, only if that is still its last sign of life."""

    trial_id: int
    claim: str
    attrs: Mapping[str, Any] = field(default_factory=dict)
    state: TrialState = TrialState.WAITING
    beat: str | None = None


@dataclass(frozen=True)
class Beat:
    """A running trial's last sign of life, `age` seconds ago by the storage's own clock; `beat` is
    its name, which changes with every beat."""

    trial_id: int
    claim: str
    beat: str
    age: float


@dataclass(frozen=True)
class Checkpoint:
    """What a trial needs to go on after `step`."""

    trial_id: int
    claim: str
    step: int
    data: bytes


class Storage(BaseStorage):
    """Optuna's storage with the verbs of this package; many workers may use one at once."""

    patience: Patience
    """How long it is waited for."""
    url: str
    """With its secrets: to be shown by `shown_url` alone."""

    @abstractmethod
    def forget_connections(self) -> None:
        """Closes what may be broken; the next call connects again."""

    @abstractmethod
    def create_whole_study(
        self, name: str, direction: StudyDirection, attrs: Mapping[str, Any]
    ) -> None:
        """Creates a study with all its attributes, or nothing. One that another worker has just
        created is left as it is."""

    @abstractmethod
    def create_within(
        self,
        study_id: int,
        budget: int,
        claim: str,
        attrs: Mapping[str, Any],
        count: int = 1,
        points: Points | None = None,
    ) -> list[FrozenTrial]:
        """Creates running trials, at most `count` and no more than until the study has `budget`.

        Counted and created at once, so that no number of workers goes beyond the budget.

        :param points: each trial gets one; where they are too few, fewer trials are created.
        """

    @abstractmethod
    def claim_waiting(
        self,
        study_id: int,
        claim: str,
        attrs: Mapping[str, Any],
        count: int = 1,
        among: Collection[int] | None = None,
    ) -> list[FrozenTrial]:
        """Takes the oldest waiting trials, at most `count`.

        :param among: the ids of the trials that may be taken; None: any.
        """

    @abstractmethod
    def read(
        self, study_id: int, ids: Collection[int], newer_than: int = NO_MORE
    ) -> list[FrozenTrial]:
        """The trials with these ids and those with an id above `newer_than`, by their ids."""

    @abstractmethod
    def write_all(self, changes: Sequence[Change]) -> list[int]:
        """Writes the changes of those trials that are still held under their claims. A step or an
        attribute that is there already is replaced; an end takes the trial's checkpoint away.

        :returns: the ids of the other trials, of which nothing was written.
        """

    @abstractmethod
    def release(self, releases: Sequence[Release]) -> list[int]:
        """Gives up those trials that are still running under their claims. What those that will run
        again reported after their checkpoint is wiped: it must not stand beside what will be
        reported again.

        :returns: the ids of the trials that were given up.
        """

    @abstractmethod
    def beat(self, claims: Mapping[int, str]) -> list[int]:
        """Signs of life of running trials, by id.

        :returns: the ids of those that are not held under their claims any more.
        """

    @abstractmethod
    def beats(self, study_id: int) -> list[Beat]:
        """The last sign of life of each running trial. A trial has its first when it is taken."""

    @abstractmethod
    def save_checkpoints(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Keeps the newest checkpoint of each running trial that is still held under its claim."""

    @abstractmethod
    def load_checkpoints(self, ids: Collection[int]) -> dict[int, Checkpoint]:
        """The checkpoints of those of these trials that have one."""
