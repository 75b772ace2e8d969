"""A storage that is asked again and again: what cannot change any more is read once.

Optuna's own reads all trials for each question. Here a look costs the trials that are new or have
not ended yet. Knows no request and no page.
"""

import threading
import time
from collections.abc import Callable, Container, Sequence
from copy import deepcopy as copy
from typing import Any, TypeVar

from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.results.dashboard.measure import keep_last
from a3b_tune.storage.verbs import Storage

# So old may an answer be, in seconds: many pages that ask at once cost one look.
FRESH = 0.5
ARTIFACT = "artifacts:"
T = TypeVar("T")


class Trials:
    """One study's trials. May be used by many threads."""

    def __init__(self, storage: Storage, study_id: int) -> None:
        self._storage = storage
        self._study_id = study_id
        self._lock = threading.Lock()
        self._by_id: dict[int, FrozenTrial] = {}
        self._in_order: list[FrozenTrial] = []
        self._open: set[int] = set()
        self._newest = -1
        self._looked = float("-inf")

    def now(self) -> list[FrozenTrial]:
        """All of them by number, not to be changed; those that have ended without their record of
        epochs.

        :raises KeyError: the study is gone.
        """
        with self._lock:
            if time.monotonic() - self._looked >= FRESH:
                self._look()
                self._looked = time.monotonic()
            return self._in_order

    def stale(self) -> None:
        """Something was written: the next answer must know of it."""
        self._looked = float("-inf")

    def _look(self) -> None:
        found = self._storage.read(self._study_id, self._open, self._newest)
        for trial in found:
            if trial.state.is_finished():
                # Its curves are read when they are looked at.
                keep_last(trial.user_attrs)
            self._by_id[trial._trial_id] = trial
            self._newest = max(self._newest, trial._trial_id)
            (self._open.discard if trial.state.is_finished() else self._open.add)(trial._trial_id)
        if found:
            self._in_order = sorted(self._by_id.values(), key=lambda trial: trial.number)


class Watched(BaseStorage):
    """Optuna's storage for the dashboard: reads from memory, and writes through another storage,
    if there is one."""

    def __init__(self, reader: Storage, writer: Storage | None) -> None:
        self.reader = reader
        self._writer = writer
        self._lock = threading.Lock()
        self._studies: dict[int, Trials] = {}

    def trials(self, study_id: int) -> list[FrozenTrial]:
        """A study's trials by number, not to be changed; those that have ended without their record
        of epochs.

        :raises KeyError: there is no such study.
        """
        with self._lock:
            found = self._studies.setdefault(study_id, Trials(self.reader, study_id))
        try:
            return found.now()
        except KeyError:
            with self._lock:
                self._studies.pop(study_id, None)
            raise

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        found = [
            trial for trial in self.trials(study_id) if states is None or trial.state in states
        ]
        return copy(found) if deepcopy else found

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self.reader.get_trial(trial_id)

    def get_all_studies(self) -> list[FrozenStudy]:
        return sorted(self.reader.get_all_studies(), key=lambda study: study._study_id)

    def get_study_id_from_name(self, study_name: str) -> int:
        return self.reader.get_study_id_from_name(study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        return self.reader.get_study_name_from_id(study_id)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self.reader.get_study_directions(study_id)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self.reader.get_study_user_attrs(study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self.reader.get_study_system_attrs(study_id)

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        return self._write(lambda writer: writer.create_new_study(directions, study_name))

    def delete_study(self, study_id: int) -> None:
        self._write(lambda writer: writer.delete_study(study_id))

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:  # noqa: ANN401
        self._write(lambda writer: writer.set_study_user_attr(study_id, key, value))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:  # noqa: ANN401
        self._write(lambda writer: writer.set_study_system_attr(study_id, key, value))

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        return self._write(lambda writer: writer.create_new_trial(study_id, template_trial))

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        self._write(
            lambda writer: writer.set_trial_param(
                trial_id, param_name, param_value_internal, distribution
            )
        )

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        return self._write(lambda writer: writer.set_trial_state_values(trial_id, state, values))

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        self._write(
            lambda writer: writer.set_trial_intermediate_value(trial_id, step, intermediate_value)
        )

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:  # noqa: ANN401
        self._write(lambda writer: writer.set_trial_user_attr(trial_id, key, value))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:  # noqa: ANN401
        try:
            self._write(lambda writer: writer.set_trial_system_attr(trial_id, key, value))
        except UpdateFinishedTrialError:
            # An artifact that was taken away is marked in the study too, where that is allowed.
            if not key.startswith(ARTIFACT):
                raise

    def _write(self, call: Callable[[Storage], T]) -> T:
        if self._writer is None:
            raise PermissionError("the storage is open for reading only")
        try:
            return call(self._writer)
        finally:
            for study in list(self._studies.values()):
                study.stale()
