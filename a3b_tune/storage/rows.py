"""Rows of many trials written or read by one statement each, inside a transaction of the caller.

Optuna looks each trial up again for each row it writes. Knows the tables and nothing of what the
rows mean.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from a3b_tune.storage.verbs import CLAIM

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
    upsert(session, models.TrialParamModel, ("trial_id", "param_name"), found)


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
    upsert(session, models.TrialIntermediateValueModel, ("trial_id", "step"), found)


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


def held_under(session: Session, study_id: int, claim: str) -> list[int]:
    """The ids of a study's running trials under a claim: what a call that is made again has done
    before."""
    trial, attr = models.TrialModel, models.TrialUserAttributeModel
    query = session.query(trial.trial_id).join(attr, attr.trial_id == trial.trial_id)
    found = query.filter(
        trial.study_id == study_id,
        trial.state == TrialState.RUNNING,
        attr.key == CLAIM,
        attr.value_json == json.dumps(claim),
    )
    return [int(trial_id) for (trial_id,) in found.order_by(trial.number)]


def waiting(session: Session, study_id: int) -> list[int]:
    """The ids of a study's waiting trials, the oldest first."""
    trial = models.TrialModel
    query = session.query(trial.trial_id).filter(
        trial.study_id == study_id, trial.state == TrialState.WAITING
    )
    return [int(trial_id) for (trial_id,) in query.order_by(trial.number)]


def running(session: Session, ids: Sequence[int]) -> list[int]:
    """Those of these trials that are running."""
    trial = models.TrialModel
    query = session.query(trial.trial_id).filter(
        trial.trial_id.in_(ids), trial.state == TrialState.RUNNING
    )
    return [int(trial_id) for (trial_id,) in query.order_by(trial.trial_id)]


def wipe(session: Session, steps: Mapping[int, int]) -> None:
    """Takes away what trials reported after a step, by trial. What successive halving noted at its
    rungs goes too where nothing is kept; a sampler's notes stay."""
    reports = models.TrialIntermediateValueModel
    notes = models.TrialSystemAttributeModel
    by_step: dict[int, list[int]] = {}
    for trial_id, step in steps.items():
        by_step.setdefault(step, []).append(trial_id)
    for step, ids in by_step.items():
        late = session.query(reports).filter(reports.trial_id.in_(ids), reports.step > step)
        late.delete(synchronize_session=False)
    none_kept = by_step.get(0, [])
    session.query(notes).filter(
        notes.trial_id.in_(none_kept), notes.key.startswith("completed_rung_")
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
    upsert(session, model, ("trial_id", "key"), found)


def upsert(
    session: Session,
    model: Any,  # noqa: ANN401
    key: Sequence[str],
    found: list[dict[str, Any]],
) -> None:
    """Inserts rows; one whose key is there already is replaced."""
    if not found:
        return
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(model)
    replaced = {name: insert.excluded[name] for name in found[0] if name not in key}
    session.execute(insert.on_conflict_do_update(index_elements=list(key), set_=replaced), found)
