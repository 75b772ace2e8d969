"""A storage in memory with the verbs of `Storage`: a double for tests of thousands of studies."""

import json
from copy import copy

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from a3b_tune.storage.database import NO_MORE, POINT, Change


class MemoryStorage:
    """Holds one study, number 0. What goes in and out is copied, as through a database."""

    url = "memory"

    def __init__(self, name: str) -> None:
        self.name = name
        self.trials: list[FrozenTrial] = []
        self.attrs: dict[str, object] = {}
        self.notes: dict[str, object] = {}

    def get_study_id_from_name(self, name):
        assert name == self.name
        return 0

    def get_study_directions(self, study_id):
        return [StudyDirection.MAXIMIZE]

    def get_study_user_attrs(self, study_id):
        return self.attrs

    def set_study_user_attr(self, study_id, key, value):
        self.attrs[key] = stored(value)

    def get_study_system_attrs(self, study_id):
        return self.notes

    def set_study_system_attr(self, study_id, key, value):
        self.notes[key] = stored(value)

    def get_all_trials(self, study_id, deepcopy=True, states=None):
        return [copied(trial) for trial in self.trials if states is None or trial.state in states]

    def read(self, study_id, ids, newer_than=NO_MORE):
        wanted = [t for t in self.trials if t._trial_id in ids or t._trial_id > newer_than]
        return [copied(trial) for trial in wanted]

    def create_within(self, study_id, budget, attrs, count=1, points=None):
        count = max(0, min(count, budget - len(self.trials)))
        notes = [{} for _ in range(count)]
        if points is not None and count:
            taken = [t.system_attrs[POINT] for t in self.trials if POINT in t.system_attrs]
            notes = [{POINT: point} for point in points(taken, count)]
        made = []
        for note in notes:
            trial = create_trial(
                state=TrialState.RUNNING, user_attrs=stored(attrs), system_attrs=note
            )
            trial.number = trial._trial_id = len(self.trials)
            self.trials.append(trial)
            made.append(copied(trial))
        return made

    def claim_waiting(self, study_id, attrs, count=1, among=None):
        waiting = [t for t in self.trials if t.state == TrialState.WAITING]
        claimed = [t for t in waiting if among is None or t._trial_id in among][:count]
        for trial in claimed:
            trial.state = TrialState.RUNNING
            trial.user_attrs |= stored(attrs)
        return [copied(trial) for trial in claimed]

    def write_all(self, changes: list[Change]) -> None:
        if any(self.trials[c.trial_id].state != TrialState.RUNNING for c in changes):
            raise UpdateFinishedTrialError
        for change in changes:
            trial = self.trials[change.trial_id]
            trial._params = {**trial._params, **change.params}
            trial.distributions = {**trial.distributions, **change.distributions}
            trial.intermediate_values |= change.values
            trial.user_attrs |= stored(change.attrs)
            trial.system_attrs |= stored(change.notes)
            if change.state is not None:
                trial.values = None if change.value is None else [change.value]
                trial.state = change.state

    def put_back(self, ids, attrs, held_by):
        held = []
        for trial in (self.trials[trial_id] for trial_id in ids):
            if trial.state == TrialState.RUNNING and trial.user_attrs[held_by[0]] == held_by[1]:
                trial.intermediate_values = {}
                rungs = [key for key in trial.system_attrs if key.startswith("completed_rung_")]
                for key in rungs:
                    del trial.system_attrs[key]
                trial.user_attrs |= stored(attrs)
                trial.state = TrialState.WAITING
                held.append(trial._trial_id)
        return held


def stored(value):
    return json.loads(json.dumps(value))


def copied(trial: FrozenTrial) -> FrozenTrial:
    twin = copy(trial)
    twin._params = dict(trial._params)
    twin._distributions = dict(trial._distributions)
    twin.intermediate_values = dict(trial.intermediate_values)
    twin._user_attrs = dict(trial.user_attrs)
    twin._system_attrs = dict(trial.system_attrs)
    return twin
