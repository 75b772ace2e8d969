"""Signs of life of running trials, in Optuna's own table, by the database's own clock.

Optuna beats for one trial at a time and only inside its `optimize`. No two machines' clocks are
compared: the database stamps a beat, and says how old it is. Knows no worker.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy.orm import Session

from a3b_tune.storage import rows
from a3b_tune.storage.verbs import CLAIM, Beat

# Older than any outage: what is said of a trial that has no sign of life at all.
NEVER = 1e9


def beat(session: Session, ids: Sequence[int]) -> None:
    """Notes a sign of life of these trials."""
    if not ids:
        return
    now = _clock(session)
    found = [{"trial_id": trial_id, "heartbeat": now} for trial_id in ids]
    rows.upsert(session, models.TrialHeartbeatModel, ("trial_id",), found)


def last(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """The names of the last beats of those of these trials that have one."""
    model = models.TrialHeartbeatModel
    query = session.query(model.trial_id, model.heartbeat).filter(model.trial_id.in_(ids))
    return {int(trial_id): moment.isoformat() for trial_id, moment in query}


def all_of(session: Session, study_id: int) -> list[Beat]:
    """The last sign of life of each of a study's running trials."""
    trial, sign = models.TrialModel, models.TrialHeartbeatModel
    attr: Any = models.TrialUserAttributeModel
    held = sqlalchemy.and_(attr.trial_id == trial.trial_id, attr.key == CLAIM)
    query = (
        session.query(trial.trial_id, attr.value_json, sign.heartbeat)
        .outerjoin(attr, held)
        .outerjoin(sign, sign.trial_id == trial.trial_id)
        .filter(trial.study_id == study_id, trial.state == TrialState.RUNNING)
        .order_by(trial.trial_id)
    )
    now = _clock(session)
    return [_beat(now, int(trial_id), claim, moment) for trial_id, claim, moment in query]


def _beat(now: datetime, trial_id: int, claim: str | None, moment: datetime | None) -> Beat:
    holder = "" if claim is None else str(json.loads(claim) or "")
    if moment is None:
        return Beat(trial_id, holder, "", NEVER)
    return Beat(trial_id, holder, moment.isoformat(), (now - moment).total_seconds())


def _clock(session: Session) -> datetime:
    """The database's time in UTC, to the microsecond or the millisecond. Not the time at which the
    transaction began: it may have waited for others."""
    if session.get_bind().dialect.name == "postgresql":
        query = "SELECT clock_timestamp() AT TIME ZONE 'UTC'"
        found: datetime = session.execute(sqlalchemy.text(query)).scalar_one()
        return found
    query = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"
    return datetime.fromisoformat(session.execute(sqlalchemy.text(query)).scalar_one())
