"""The database that holds studies: opened with care, written in few transactions.

Optuna commits after every parameter, report and attribute; on SQLite each commit costs
milliseconds. `Storage` is Optuna's own storage with four verbs more, each one transaction however
many trials it is about: create trials within a budget, claim waiting ones, write what is new, put
trials back. Knows nothing of settings, models or samplers.
"""

import json
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.orm import Session

from a3b_tune.storage import rows, sqlite
from a3b_tune.storage.reading import read_trials

# Above every trial's id: asks for the named trials alone.
NO_MORE = 2**31 - 1
# The system attribute that says which point of a grid a trial has.
POINT = "a3b:point"

Choose = Callable[[Sequence[int], int], list[int]]
"""From the points that all trials of a study have, at most so many points for new ones."""


@dataclass(frozen=True)
class Change:
    """What is new of a running trial: drawn parameters, reported values by step, user attributes,
    and system attributes (`notes` of samplers and pruners); with a `state` this is its end."""

    trial_id: int
    params: Mapping[str, Any] = field(default_factory=dict)
    distributions: Mapping[str, BaseDistribution] = field(default_factory=dict)
    values: Mapping[int, float] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    state: TrialState | None = None
    value: float | None = None


class Storage(RDBStorage):
    """Optuna's storage for SQLite and Postgres, with whole trials written at once.

    Several workers may use one database: `create_within` and `claim_waiting` are atomic.
    """

    def __init__(self, url: str, *, writable: bool = True) -> None:
        engine_kwargs: dict[str, Any] = {"pool_pre_ping": True}
        on_sqlite = url.startswith("sqlite")
        if on_sqlite:
            engine_kwargs["connect_args"] = {"timeout": sqlite.LOCK_TIMEOUT}
        super().__init__(url, engine_kwargs=engine_kwargs, skip_table_creation=not writable)
        if on_sqlite:
            # Not earlier: Optuna's own start-up begins a transaction inside another one.
            sqlite.prepare(self.engine, writable)

    def create_whole_study(
        self, name: str, direction: StudyDirection, attrs: Mapping[str, Any]
    ) -> None:
        """Creates a study with all its attributes, or nothing. One that another worker has just
        created is left as it is."""
        with _create_scoped_session(self.scoped_session, True) as session:
            study = models.StudyModel(
                study_name=name,
                directions=[models.StudyDirectionModel(objective=0, direction=direction)],
                user_attributes=[
                    models.StudyUserAttributeModel(key=key, value_json=json.dumps(value))
                    for key, value in attrs.items()
                ],
            )
            session.add(study)

    def create_within(
        self,
        study_id: int,
        budget: int,
        attrs: Mapping[str, Any],
        count: int = 1,
        points: Choose | None = None,
    ) -> list[FrozenTrial]:
        """Creates running trials, at most `count` and no more than until the study has `budget`.

        Counted and created in one transaction, so that no number of workers goes beyond the budget.

        :param points: chooses a point of a grid for each trial; where it chooses fewer, fewer
            trials are created.
        """
        with _create_scoped_session(self.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
            total = session.query(models.TrialModel).filter_by(study_id=study_id).count()
            count = max(0, min(count, budget - total))
            notes: list[dict[str, Any]] = [{} for _ in range(count)]
            if points is not None and count:
                chosen = points(_points_taken(session, study_id), count)
                notes = [{POINT: point} for point in chosen]
            made = [
                models.TrialModel(study_id=study_id, number=total + k, state=TrialState.RUNNING)
                for k in range(len(notes))
            ]
            began = datetime.now()
            for trial in made:
                trial.datetime_start = began
            session.add_all(made)
            session.flush()
            ids = [int(trial.trial_id) for trial in made]
            rows.set_user_attrs(session, dict.fromkeys(ids, attrs))
            rows.set_system_attrs(session, dict(zip(ids, notes, strict=True)))
        return [
            _created(trial_id, total + k, began, attrs, notes[k]) for k, trial_id in enumerate(ids)
        ]

    def claim_waiting(
        self,
        study_id: int,
        attrs: Mapping[str, Any],
        count: int = 1,
        among: Collection[int] | None = None,
    ) -> list[FrozenTrial]:
        """Takes the oldest waiting trials, at most `count`, and marks them as this worker's.

        :param among: the ids of the trials that may be taken; None: any.
        """
        with _create_scoped_session(self.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
            query = session.query(models.TrialModel).filter_by(
                study_id=study_id, state=TrialState.WAITING
            )
            if among is not None:
                query = query.filter(models.TrialModel.trial_id.in_(among))
            claimed = query.order_by(models.TrialModel.number).limit(count).all()
            for trial in claimed:
                trial.state = TrialState.RUNNING
                trial.datetime_start = datetime.now()
            ids = {int(trial.trial_id) for trial in claimed}
            rows.set_user_attrs(session, dict.fromkeys(ids, attrs))
        return self.read(study_id, ids) if ids else []

    def read(
        self, study_id: int, ids: Collection[int], newer_than: int = NO_MORE
    ) -> list[FrozenTrial]:
        """The trials with these ids and those with an id above `newer_than`, by their ids."""
        return self._get_trials(study_id, None, set(ids), newer_than)

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        """What all of Optuna that reads many trials asks."""
        wanted = None if states is None else [state for state in TrialState if state in states]
        with _create_scoped_session(self.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session)
            return read_trials(session, study_id, wanted, included_trial_ids, trial_id_greater_than)

    def write(self, trial_id: int, **new: Any) -> None:  # noqa: ANN401
        """Writes what is new of one running trial; the keywords are the fields of `Change`."""
        self.write_all([Change(trial_id, **new)])

    def write_all(self, changes: Sequence[Change]) -> None:
        """Writes all changes or none. A step or an attribute that is there already is replaced.

        :raises UpdateFinishedTrialError: one of the trials is not running.
        """
        if not changes:
            return
        with _create_scoped_session(self.scoped_session) as session:
            trials = rows.lock(session, [change.trial_id for change in changes])
            for trial in trials.values():
                if trial.state != TrialState.RUNNING:
                    raise UpdateFinishedTrialError(f"trial {trial.number} is not running")
            rows.set_params(session, {c.trial_id: (c.params, c.distributions) for c in changes})
            rows.set_values(session, {c.trial_id: c.values for c in changes})
            rows.set_user_attrs(session, {c.trial_id: c.attrs for c in changes})
            rows.set_system_attrs(session, {c.trial_id: c.notes for c in changes})
            for change in changes:
                if change.state is not None:
                    self._end(session, trials[change.trial_id], change.state, change.value)

    def _end(
        self, session: Session, trial: models.TrialModel, state: TrialState, value: float | None
    ) -> None:
        if value is not None:
            self._set_trial_value_without_commit(session, trial, 0, value)
        trial.state = state
        trial.datetime_complete = datetime.now()

    def put_back(
        self, ids: Sequence[int], attrs: Mapping[str, Any], held_by: tuple[str, Any]
    ) -> list[int]:
        """Returns running trials to the queue with their settings, their reports wiped: they will
        start from their beginning, and steps of the broken run must not stand beside those of the
        next.

        :param held_by: a user attribute and the value it must have: who holds the trials. Another
            worker may have put one back already, and a third one may run it by now.
        :returns: those that were running, held so, and are now waiting.
        """
        name, holder = held_by
        with _create_scoped_session(self.scoped_session) as session:
            trials = rows.lock(session, ids)
            holders = rows.user_attr(session, ids, name)
            held = [
                trial_id
                for trial_id, trial in trials.items()
                if trial.state == TrialState.RUNNING and holders.get(trial_id) == holder
            ]
            rows.wipe(session, held)
            rows.set_user_attrs(session, dict.fromkeys(held, attrs))
            for trial_id in held:
                trials[trial_id].state = TrialState.WAITING
        return held


def _points_taken(session: Session, study_id: int) -> list[int]:
    attribute = models.TrialSystemAttributeModel
    found = (
        session.query(attribute.value_json)
        .join(models.TrialModel, models.TrialModel.trial_id == attribute.trial_id)
        .filter(models.TrialModel.study_id == study_id, attribute.key == POINT)
    )
    return [int(json.loads(value)) for (value,) in found]


def _created(
    trial_id: int, number: int, began: datetime, attrs: Mapping[str, Any], notes: Mapping[str, Any]
) -> FrozenTrial:
    """What the database would say of a trial that was just created."""
    trial = create_trial(
        state=TrialState.RUNNING,
        user_attrs=json.loads(json.dumps(dict(attrs))),
        system_attrs=dict(notes),
    )
    trial.number, trial._trial_id, trial.datetime_start = number, trial_id, began
    return trial
