"""Rows of many trials written or read by one statement each, inside a transaction of the caller.

Optuna looks each trial up again for each row it writes. Knows the tables and nothing of what the
rows mean.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages._rdb import models
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

Params = tuple[Mapping[str, Any], Mapping[str, BaseDistribution]]


def lock(session: Session, ids: Sequence[int]) -> dict[int, models.TrialModel]:
    """The trials with these ids; nobody else changes them until the transaction ends. Always in
    the same order, so that two workers never wait for each other."""
    trial = models.TrialModel
    query = session.query(trial).filter(trial.trial_id.in_(ids)).order_by(trial.trial_id)
    return {int(found.trial_id): found for found in query.with_for_update().all()}


def set_params(session: Session, changes: Mapping[int, Params]) -> None:
    """Parameters by trial and name."""
    found = [
        {
            "trial_id": trial_id,
            "param_name": name,
            "param_value": distributions[name].to_internal_repr(value),
            "distribution_json": distribution_to_json(distributions[name]),
        }
        for trial_id, (params, distributions) in changes.items()
        for name, value in params.items()
    ]
    _upsert(session, models.TrialParamModel, ("trial_id", "param_name"), found)


def set_values(session: Session, changes: Mapping[int, Mapping[int, float]]) -> None:
    """Reported values by trial and step."""
    found = []
    for trial_id, values in changes.items():
        for step, reported in values.items():
            stored, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(
                reported
            )
            found.append(
                {
                    "trial_id": trial_id,
                    "step": step,
                    "intermediate_value": stored,
                    "intermediate_value_type": kind,
                }
            )
    _upsert(session, models.TrialIntermediateValueModel, ("trial_id", "step"), found)


def set_user_attrs(session: Session, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """User attributes by trial and name."""
    _set_attrs(session, models.TrialUserAttributeModel, changes)


def set_system_attrs(session: Session, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """System attributes by trial and name."""
    _set_attrs(session, models.TrialSystemAttributeModel, changes)


def user_attr(session: Session, ids: Sequence[int], key: str) -> dict[int, Any]:
    """One user attribute of each of these trials that has it."""
    model = models.TrialUserAttributeModel
    query = session.query(model.trial_id, model.value_json)
    found = query.filter(model.trial_id.in_(ids), model.key == key)
    return {int(trial_id): json.loads(value) for trial_id, value in found}


def wipe(session: Session, ids: Sequence[int]) -> None:
    """Takes away what trials reported, and what successive halving noted at its rungs; a sampler's
    notes stay."""
    reports = models.TrialIntermediateValueModel
    notes = models.TrialSystemAttributeModel
    session.query(reports).filter(reports.trial_id.in_(ids)).delete(synchronize_session=False)
    session.query(notes).filter(
        notes.trial_id.in_(ids), notes.key.startswith("completed_rung_")
    ).delete(synchronize_session=False)


def _set_attrs(
    session: Session,
    model: type[models.TrialUserAttributeModel | models.TrialSystemAttributeModel],
    changes: Mapping[int, Mapping[str, Any]],
) -> None:
    found = [
        {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
        for trial_id, attrs in changes.items()
        for key, value in attrs.items()
    ]
    _upsert(session, model, ("trial_id", "key"), found)


def _upsert(
    session: Session,
    model: type[models.BaseModel],
    key: tuple[str, str],
    found: list[dict[str, Any]],
) -> None:
    """Inserts rows; one whose key is there already is replaced."""
    if not found:
        return
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(model)
    replaced = {name: insert.excluded[name] for name in found[0] if name not in key}
    session.execute(insert.on_conflict_do_update(index_elements=list(key), set_=replaced), found)
