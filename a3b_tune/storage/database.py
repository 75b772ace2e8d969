"""The database that holds studies: opened with care, written in few transactions.

Optuna commits after every parameter, report and attribute; on SQLite each commit costs
milliseconds. `DatabaseStorage` is Optuna's own storage with the verbs of this package, each one
transaction however many trials it is about. Knows nothing of settings, models or samplers.
"""

import json
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.orm import Session

from a3b_tune.storage import checkpoints, rows, signs, sqlite
from a3b_tune.storage.patience import Patience, patient
from a3b_tune.storage.reading import read_trials
from a3b_tune.storage.verbs import (
    CALLS,
    CLAIM,
    NO_MORE,
    POINT,
    Beat,
    Change,
    Checkpoint,
    Points,
    Release,
    Storage,
)

# A server that has vanished without a word is found out within seconds, not after TCP's two hours.
SOON_KNOWN = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


@patient(*CALLS)
class DatabaseStorage(RDBStorage, Storage):
    """SQLite and Postgres."""

    def __init__(self, url: str, *, writable: bool = True) -> None:
        self.patience = Patience()
        on_sqlite = url.startswith("sqlite")
        connect_args = {"timeout": sqlite.LOCK_TIMEOUT} if on_sqlite else SOON_KNOWN
        engine_kwargs: dict[str, Any] = {"pool_pre_ping": True, "connect_args": connect_args}
        super().__init__(url, engine_kwargs=engine_kwargs, skip_table_creation=not writable)
        if writable:
            checkpoints.make_table(self.engine)
        if on_sqlite:
            # Not earlier: Optuna's own start-up begins a transaction inside another one.
            sqlite.prepare(self.engine, writable)

    def forget_connections(self) -> None:
        self.engine.dispose()

    def _session(self) -> AbstractContextManager[Session]:
        """One transaction."""
        found: AbstractContextManager[Session] = _create_scoped_session(self.scoped_session)
        return found

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        """One transaction that only reads: on SQLite it waits for nobody, and nobody for it."""
        with self._session() as session:
            session.connection(execution_options={sqlite.READS: True})
            yield session

    def create_whole_study(
        self, name: str, direction: StudyDirection, attrs: Mapping[str, Any]
    ) -> None:
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
        claim: str,
        attrs: Mapping[str, Any],
        count: int = 1,
        points: Points | None = None,
    ) -> list[FrozenTrial]:
        attrs = {**attrs, CLAIM: claim}
        with self._session() as session:
            models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
            total = session.query(models.TrialModel).filter_by(study_id=study_id).count()
            if before := rows.held_under(session, study_id, claim):
                return read_trials(session, study_id, None, before, NO_MORE)
            count = max(0, min(count, budget - total))
            notes: list[dict[str, Any]] = [{} for _ in range(count)]
            if points is not None and count:
                chosen = points.choose(_points_taken(session, study_id), count)
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
            signs.beat(session, ids)
        return [
            _created(trial_id, total + k, began, attrs, notes[k]) for k, trial_id in enumerate(ids)
        ]

    def claim_waiting(
        self,
        study_id: int,
        claim: str,
        attrs: Mapping[str, Any],
        count: int = 1,
        among: Collection[int] | None = None,
    ) -> list[FrozenTrial]:
        with self._session() as session:
            models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
            ids = set(rows.held_under(session, study_id, claim))
            if not ids:
                waiting = rows.waiting(session, study_id)
                wanted = waiting if among is None else [i for i in waiting if i in set(among)]
                claimed = rows.lock(session, wanted[:count])
                for trial in claimed.values():
                    trial.state = TrialState.RUNNING
                    trial.datetime_start = datetime.now()
                ids = set(claimed)
                held = {**attrs, CLAIM: claim}
                rows.set_user_attrs(session, dict.fromkeys(ids, held))
                signs.beat(session, sorted(ids))
        return self.read(study_id, ids) if ids else []

    def read(
        self, study_id: int, ids: Collection[int], newer_than: int = NO_MORE
    ) -> list[FrozenTrial]:
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
        with self._reading() as session:
            models.StudyModel.find_or_raise_by_id(study_id, session)
            return read_trials(session, study_id, wanted, included_trial_ids, trial_id_greater_than)

    def write_all(self, changes: Sequence[Change]) -> list[int]:
        if not changes:
            return []
        with self._session() as session:
            trials = rows.lock(session, [change.trial_id for change in changes])
            claims = rows.user_attr(session, list(trials), CLAIM)
            held = [change for change in changes if claims.get(change.trial_id) == change.claim]
            # Of one that has ended under this very claim the answer was lost: it is written.
            still = [c for c in held if trials[c.trial_id].state == TrialState.RUNNING]
            rows.wipe(session, {c.trial_id: c.after for c in still if c.after is not None})
            rows.set_params(session, {c.trial_id: (c.params, c.distributions) for c in still})
            rows.set_values(session, {c.trial_id: c.values for c in still})
            rows.set_user_attrs(session, {c.trial_id: c.attrs for c in still})
            rows.set_system_attrs(session, {c.trial_id: c.notes for c in still})
            ended = [change for change in still if change.state is not None]
            for change in ended:
                assert change.state is not None
                self._end(session, trials[change.trial_id], change.state, change.value)
            checkpoints.remove(session, [change.trial_id for change in ended])
        kept = {change.trial_id for change in held}
        return [change.trial_id for change in changes if change.trial_id not in kept]

    def _end(
        self, session: Session, trial: models.TrialModel, state: TrialState, value: float | None
    ) -> None:
        if value is not None:
            self._set_trial_value_without_commit(session, trial, 0, value)
        trial.state = state
        trial.datetime_complete = datetime.now()

    def release(self, releases: Sequence[Release]) -> list[int]:
        with self._session() as session:
            ids = [release.trial_id for release in releases]
            trials = rows.lock(session, ids)
            claims = rows.user_attr(session, ids, CLAIM)
            last = signs.last(session, ids)

            def held(release: Release) -> bool:
                trial = trials.get(release.trial_id)
                if trial is None or trial.state != TrialState.RUNNING:
                    return False
                silent = release.beat in (None, last.get(release.trial_id))
                return silent and (claims.get(release.trial_id) or "") == release.claim

            given = [release for release in releases if held(release)]
            steps = checkpoints.steps(session, [release.trial_id for release in given])
            waiting = [r.trial_id for r in given if r.state == TrialState.WAITING]
            rows.wipe(session, {trial_id: steps.get(trial_id, 0) for trial_id in waiting})
            # Nobody holds it: what its worker may still want to write is refused.
            rows.set_user_attrs(session, {r.trial_id: {**r.attrs, CLAIM: None} for r in given})
            for release in given:
                trial = trials[release.trial_id]
                if release.state == TrialState.WAITING:
                    trial.state = TrialState.WAITING
                else:
                    self._end(session, trial, release.state, None)
            checkpoints.remove(session, [r.trial_id for r in given if r.state.is_finished()])
        return [release.trial_id for release in given]

    def beat(self, claims: Mapping[int, str]) -> list[int]:
        with self._session() as session:
            running = rows.running(session, list(claims))
            found = rows.user_attr(session, running, CLAIM)
            held = [trial_id for trial_id in running if found.get(trial_id) == claims[trial_id]]
            signs.beat(session, held)
        return [trial_id for trial_id in claims if trial_id not in set(held)]

    def beats(self, study_id: int) -> list[Beat]:
        with self._reading() as session:
            return signs.all_of(session, study_id)

    def save_checkpoints(self, saved: Sequence[Checkpoint]) -> None:
        with self._session() as session:
            running = rows.running(session, [checkpoint.trial_id for checkpoint in saved])
            claims = rows.user_attr(session, running, CLAIM)
            held = [c for c in saved if claims.get(c.trial_id, "") == c.claim]
            checkpoints.write(session, held)

    def load_checkpoints(self, ids: Collection[int]) -> dict[int, Checkpoint]:
        with self._reading() as session:
            return checkpoints.read(session, ids)


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
