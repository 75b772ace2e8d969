"""What a worker knows of its study: all trials in memory, its own ahead of the database.

Samplers and pruners ask for all trials again and again; here they get them without a query. The
trials that this worker holds are changed here first and written in batches; those of others are
read when a caller says so. Knows neither settings nor models.
"""

import time
from collections.abc import Container, Iterable
from copy import copy as shallow
from copy import deepcopy as copy
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.storage.verbs import CLAIM, Storage

# A note of TPE for workers that see a trial before its parameters are written, which here is never.
PRIVATE = "tpe:relative_params"


class View(_CachedStorage):
    """One study's trials as Optuna's storage shows them, and a study that reads from here."""

    def __init__(self, storage: Storage, name: str, pruner: BasePruner) -> None:
        # Optuna's class is written for its own storages, of which it asks nothing else.
        super().__init__(storage)  # type: ignore[arg-type]
        self._storage = storage
        self._trials: dict[int, FrozenTrial] = {}
        self._in_order: list[FrozenTrial] | None = None
        self._held: dict[int, str] = {}
        self._open: set[int] = set()
        self._newest = -1
        self._read_at = float("-inf")
        self._notes: dict[int, dict[str, Any]] = {}
        self._study_id = storage.get_study_id_from_name(name)
        self.study = optuna.Study(name, self, pruner=pruner)

    def refresh(self, older_than: float = 0.0) -> None:
        """Reads what other workers have done since, if the last look is so many seconds old."""
        if time.monotonic() - self._read_at < older_than:
            return
        # Every trial that is new or that another worker may have changed.
        found = self._storage.read(self._study_id, self._open, self._newest)
        for trial in found:
            self._newest = max(self._newest, trial._trial_id)
            if trial._trial_id not in self._held:
                self._set(trial)
        self._read_at = time.monotonic()

    def hold(self, trials: Iterable[FrozenTrial]) -> None:
        """From now on these trials are this worker's."""
        for trial in trials:
            self._set(trial)
            self._held[trial._trial_id] = str(trial.user_attrs.get(CLAIM))
            self._open.discard(trial._trial_id)

    def claims(self) -> dict[int, str]:
        """This worker's trials and the claims under which it holds them."""
        return dict(self._held)

    def forget(self, trial_id: int) -> None:
        """The trial is this worker's no more: what is stored of it will be read again."""
        self._notes.pop(trial_id, None)
        self._held.pop(trial_id, None)
        self._open.add(trial_id)
        self._read_at = float("-inf")

    def let_go(self, trial_id: int, state: TrialState, value: float | None = None) -> None:
        """The worker's trial has ended."""
        trial = self._trials[trial_id]
        self._notes.pop(trial_id, None)
        self._held.pop(trial_id, None)
        trial.state = state
        trial.values = None if value is None else [value]
        self._changed()

    def notes(self, trial_id: int) -> dict[str, Any]:
        """What samplers and pruners noted of a trial since they were last asked for here."""
        return self._notes.pop(trial_id, {})

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """The trials in these states, or all, by their numbers; not to be changed."""
        return self.get_all_trials(self._study_id, deepcopy=False, states=states or None)

    def get_study_id_from_name(self, study_name: str) -> int:
        """Hyperband makes a study of each bracket for each question, and each asks this."""
        return self._study_id

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._trials[trial_id]

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        if self._in_order is None:
            self._in_order = sorted(self._trials.values(), key=lambda trial: trial.number)
        found = [trial for trial in self._in_order if states is None or trial.state in states]
        return copy(found) if deepcopy else [self._as_now(trial) for trial in found]

    def _as_now(self, trial: FrozenTrial) -> FrozenTrial:
        """What is noted of a running trial from now on must not appear in what was handed out: a
        pruner that notes a trial's value at a rung adds it to those that it has read before."""
        if trial._trial_id not in self._held:
            return trial
        own = shallow(trial)
        own.system_attrs = dict(trial.system_attrs)
        return own

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:  # noqa: ANN401
        self._trials[trial_id].system_attrs[key] = value
        if not key.startswith(PRIVATE):
            self._notes.setdefault(trial_id, {})[key] = value

    def _set(self, trial: FrozenTrial) -> None:
        self._trials[trial._trial_id] = trial
        if trial.state.is_finished():
            self._open.discard(trial._trial_id)
        else:
            self._open.add(trial._trial_id)
        self._changed()

    def _changed(self) -> None:
        self._in_order = None
        # What Optuna keeps for one trial's draws is of before the change.
        self.study._thread_local.cached_all_trials = None
