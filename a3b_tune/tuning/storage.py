"""The database that holds studies: opened with care, written in few transactions.

Optuna commits after every parameter, report and attribute; on SQLite each commit costs
milliseconds. `Storage` is Optuna's own storage with four verbs more, each one transaction: create
a trial within a budget, claim a waiting one, write a batch, put a trial back. Knows nothing of
settings, models or samplers.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session

# How long a writer waits for another one before it gives up, in seconds.
LOCK_TIMEOUT = 60.0


class Storage(RDBStorage):
    """Optuna's storage for SQLite and Postgres, with whole trials written at once.

    Several workers may use one database: `create_within` and `claim_waiting` are atomic.
    """

    def __init__(self, url: str, *, writable: bool = True) -> None:
        engine_kwargs: dict[str, Any] = {"pool_pre_ping": True}
        sqlite = url.startswith("sqlite")
        if sqlite:
            engine_kwargs["connect_args"] = {"timeout": LOCK_TIMEOUT}
        super().__init__(url, engine_kwargs=engine_kwargs, skip_table_creation=not writable)
        if sqlite:
            # Not earlier: Optuna's own start-up begins a transaction inside another one.
            _tune_sqlite(self.engine, writable)

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
        self, study_id: int, budget: int, attrs: Mapping[str, Any]
    ) -> FrozenTrial | None:
        """Creates a running trial unless the study has `budget` trials already.

        Counted and created in one transaction, so that no number of workers goes beyond the budget.
        """
        template = create_trial(state=TrialState.RUNNING, user_attrs=dict(attrs))
        with _create_scoped_session(self.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
            query = session.query(models.TrialModel).filter_by(study_id=study_id)
            if query.count() >= budget:
                return None
            trial = self._get_prepared_new_trial(study_id, template, session)
            trial.datetime_start = datetime.now()
            session.flush()
            trial_id = int(trial.trial_id)
        return self.get_trial(trial_id)

    def claim_waiting(self, study_id: int, attrs: Mapping[str, Any]) -> FrozenTrial | None:
        """Takes the oldest waiting trial, if there is one, and marks it as this worker's."""
        with _create_scoped_session(self.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
            waiting = (
                session.query(models.TrialModel)
                .filter_by(study_id=study_id, state=TrialState.WAITING)
                .order_by(models.TrialModel.number)
                .first()
            )
            if waiting is None:
                return None
            waiting.state = TrialState.RUNNING
            waiting.datetime_start = datetime.now()
            trial_id = int(waiting.trial_id)
            self._set_attrs(session, trial_id, attrs)
        return self.get_trial(trial_id)

    def write(
        self,
        trial_id: int,
        *,
        params: Mapping[str, Any] | None = None,
        distributions: Mapping[str, BaseDistribution] | None = None,
        values: Mapping[int, float] | None = None,
        attrs: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes drawn parameters, reported values by step and user attributes of a running trial
        in one transaction. A step or an attribute that is there already is replaced."""
        with _create_scoped_session(self.scoped_session) as session:
            for name, value in (params or {}).items():
                distribution = (distributions or {})[name]
                stored = distribution.to_internal_repr(value)
                self._set_trial_param_without_commit(session, trial_id, name, stored, distribution)
            for step, reported in (values or {}).items():
                self._set_trial_intermediate_value_without_commit(session, trial_id, step, reported)
            self._set_attrs(session, trial_id, attrs or {})

    def put_back(self, trial_id: int, attrs: Mapping[str, Any], held_by: tuple[str, Any]) -> bool:
        """Returns a running trial to the queue with its settings, its reports wiped: it will start
        from its beginning, and steps of the broken run must not stand beside those of the next.

        :param held_by: a user attribute and the value it must have: who holds the trial. Another
            worker may have put it back already, and a third one may run it by now.
        :returns: whether the trial was running, held so, and is now waiting.
        """
        name, holder = held_by
        with _create_scoped_session(self.scoped_session) as session:
            trial = models.TrialModel.find_or_raise_by_id(trial_id, session, for_update=True)
            held = models.TrialUserAttributeModel.find_by_trial_and_key(trial, name, session)
            if trial.state != TrialState.RUNNING or held is None:
                return False
            if json.loads(str(held.value_json)) != holder:
                return False
            session.query(models.TrialIntermediateValueModel).filter_by(trial_id=trial_id).delete()
            # What successive halving noted at its rungs; a sampler's notes stay.
            session.query(models.TrialSystemAttributeModel).filter(
                models.TrialSystemAttributeModel.trial_id == trial_id,
                models.TrialSystemAttributeModel.key.startswith("completed_rung_"),
            ).delete(synchronize_session=False)
            self._set_attrs(session, trial_id, attrs)
            trial.state = TrialState.WAITING
        return True

    def _set_attrs(self, session: Session, trial_id: int, attrs: Mapping[str, Any]) -> None:
        for key, value in attrs.items():
            self._set_trial_attr_without_commit(
                session, models.TrialUserAttributeModel, trial_id, key, value
            )


def _tune_sqlite(engine: sqlalchemy.Engine, writable: bool) -> None:
    """One worker's transaction at a time, each waiting its turn; those who only read never wait.

    Python's driver begins a transaction only at the first write, so two workers may read the same
    waiting trial and both take it; `BEGIN IMMEDIATE` takes the lock before the read.
    """

    def connected(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        if writable:
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    def began(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writable else "BEGIN")

    sqlalchemy.event.listen(engine, "connect", connected)
    sqlalchemy.event.listen(engine, "begin", began)
    # Connections made during Optuna's start-up know nothing of the above.
    engine.dispose()
