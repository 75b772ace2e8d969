"""A storage in memory with the verbs of `Storage`: a double for tests of thousands of studies."""

import json
from copy import copy

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from a3b_tune.storage.patience import Patience
from a3b_tune.storage.verbs import CLAIM, NO_MORE, POINT, Beat, Change, Checkpoint, Release


class MemoryStorage:
    """Holds one study, number 0. What goes in and out is copied, as through a database."""

    url = "memory://"

    def __init__(self, name: str) -> None:
        self.name = name
        self.trials: list[FrozenTrial] = []
        self.attrs: dict[str, object] = {}
        self.notes: dict[str, object] = {}
        self.checkpoints: dict[int, Checkpoint] = {}
        self.patience = Patience()

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

    def held_under(self, claim):
        return [t for t in self.trials if t.user_attrs.get(CLAIM) == claim and running(t)]

    def holds(self, change):
        return self.trials[change.trial_id].user_attrs.get(CLAIM) == change.claim

    def create_within(self, study_id, budget, claim, attrs, count=1, points=None):
        if before := self.held_under(claim):
            return [copied(trial) for trial in before]
        count = max(0, min(count, budget - len(self.trials)))
        notes = [{} for _ in range(count)]
        if points is not None and count:
            taken = [t.system_attrs[POINT] for t in self.trials if POINT in t.system_attrs]
            notes = [{POINT: point} for point in points.choose(taken, count)]
        made = []
        for note in notes:
            trial = create_trial(
                state=TrialState.RUNNING, user_attrs=stored({**attrs, CLAIM: claim}),
                system_attrs=note,
            )  # fmt: skip
            trial.number = trial._trial_id = len(self.trials)
            self.trials.append(trial)
            made.append(copied(trial))
        return made

    def claim_waiting(self, study_id, claim, attrs, count=1, among=None):
        claimed = self.held_under(claim)
        if not claimed:
            waiting = [t for t in self.trials if t.state == TrialState.WAITING]
            claimed = [t for t in waiting if among is None or t._trial_id in among][:count]
        for trial in claimed:
            trial.state = TrialState.RUNNING
            trial.user_attrs |= stored({**attrs, CLAIM: claim})
        return [copied(trial) for trial in claimed]

    def write_all(self, changes: list[Change]) -> list[int]:
        for change in changes:
            trial = self.trials[change.trial_id]
            if not running(trial) or not self.holds(change):
                continue
            if change.after is not None:
                wipe(trial, change.after)
            trial._params = {**trial._params, **change.params}
            trial.distributions = {**trial.distributions, **change.distributions}
            trial.intermediate_values |= change.values
            trial.user_attrs |= stored(change.attrs)
            trial.system_attrs |= stored(change.notes)
            if change.state is not None:
                trial.values = None if change.value is None else [change.value]
                trial.state = change.state
                self.checkpoints.pop(change.trial_id, None)
        return [change.trial_id for change in changes if not self.holds(change)]

    def release(self, releases: list[Release]) -> list[int]:
        held = [r for r in releases if running(self.trials[r.trial_id]) and self.holds(r)]
        for release in held:
            trial = self.trials[release.trial_id]
            if release.state == TrialState.WAITING:
                kept = self.checkpoints.get(release.trial_id)
                wipe(trial, kept.step if kept else 0)
            trial.user_attrs |= stored({**release.attrs, CLAIM: None})
            trial.state = release.state
        return [release.trial_id for release in held]

    def beat(self, claims):
        return []

    def beats(self, study_id):
        """The dead are known by their claims alone."""
        return [
            Beat(trial._trial_id, trial.user_attrs[CLAIM], "once", 0.0)
            for trial in self.trials
            if running(trial)
        ]

    def save_checkpoints(self, saved):
        self.checkpoints |= {c.trial_id: c for c in saved if self.holds(c)}

    def load_checkpoints(self, ids):
        return {i: self.checkpoints[i] for i in ids if i in self.checkpoints}

    def forget_connections(self):
        """There are none."""


def running(trial):
    return trial.state == TrialState.RUNNING


def wipe(trial, step):
    """What was reported after a step; what was noted at rungs too where nothing is kept."""
    values = trial.intermediate_values.items()
    trial.intermediate_values = {at: value for at, value in values if at <= step}
    if not step:
        for key in [key for key in trial.system_attrs if key.startswith("completed_rung_")]:
            del trial.system_attrs[key]


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
