"""Trials as the database holds them, read by plain selects.

Optuna's reader makes an object of every row and parses the range of every parameter of every trial;
ten thousand trials took it four times as long. Knows the tables and nothing of what the rows mean.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

import sqlalchemy
from optuna.distributions import json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.orm import Session

# Trials asked for by one statement; databases bound how many values one may hold.
PIECE = 500

Head = tuple[int, int, TrialState, datetime | None, datetime | None]
"""A trial's own row: id, number, state, begun, ended."""
Found = Mapping[int, Sequence[Sequence[Any]]]
"""The rows of a table that belong to a trial, by its id; the id itself left out."""

# A study has a handful of ranges, written again for each of its trials. Nothing changes one.
_distribution = lru_cache(maxsize=4096)(json_to_distribution)


def read_trials(
    session: Session,
    study_id: int,
    states: Collection[TrialState] | None,
    ids: Iterable[int],
    newer_than: int,
) -> list[FrozenTrial]:
    """A study's trials with these ids and those with an id above `newer_than`, by their ids; only
    those in `states`, if given."""
    heads: list[Head] = []
    trials: list[FrozenTrial] = []
    older = sorted(trial_id for trial_id in ids if trial_id <= newer_than)
    for piece in _pieces(older):
        heads += _heads(session, study_id, states, models.TrialModel.trial_id.in_(piece))
    heads += _heads(session, study_id, states, models.TrialModel.trial_id > newer_than)
    for some in _pieces(heads):
        parts = _Parts.of(session, [head[0] for head in some])
        trials += [_trial(head, parts) for head in some]
    return trials


def _pieces(items: Sequence[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while piece := list(islice(rest, PIECE)):
        yield piece


def _heads(
    session: Session,
    study_id: int,
    states: Collection[TrialState] | None,
    wanted: sqlalchemy.ColumnElement[bool],
) -> list[Head]:
    trial: Any = models.TrialModel
    query: sqlalchemy.Select[Any] = sqlalchemy.select(
        trial.trial_id,
        trial.number,
        trial.state,
        trial._datetime_start_utc,
        trial._datetime_complete_utc,
    ).where(trial.study_id == study_id, wanted)
    if states is not None:
        query = query.where(trial.state.in_(tuple(states)))
    return [tuple(row) for row in session.execute(query.order_by(trial.trial_id))]


@dataclass(frozen=True)
class _Parts:
    """What other tables hold of some trials."""

    params: Found
    values: Found
    user_attrs: Found
    system_attrs: Found
    reports: Found

    @classmethod
    def of(cls, session: Session, ids: Sequence[int]) -> "_Parts":
        param: Any = models.TrialParamModel
        value: Any = models.TrialValueModel
        user: Any = models.TrialUserAttributeModel
        system: Any = models.TrialSystemAttributeModel
        report: Any = models.TrialIntermediateValueModel
        return cls(
            _rows(session, ids, param.param_id, param.param_name, param.param_value,
                  param.distribution_json),
            _rows(session, ids, value.objective, value.value, value.value_type),
            _rows(session, ids, user.trial_user_attribute_id, user.key, user.value_json),
            _rows(session, ids, system.trial_system_attribute_id, system.key, system.value_json),
            _rows(session, ids, report.step, report.step, report.intermediate_value,
                  report.intermediate_value_type),
        )  # fmt: skip


def _rows(session: Session, ids: Sequence[int], order: Any, *columns: Any) -> Found:  # noqa: ANN401
    """Columns of the rows that belong to trials, by trial, in an order."""
    owner = order.class_.trial_id
    query = sqlalchemy.select(owner, *columns).where(owner.in_(ids)).order_by(order)
    found: dict[int, list[Sequence[Any]]] = defaultdict(list)
    for trial_id, *row in session.execute(query):
        found[trial_id].append(row)
    return found


def _trial(head: Head, parts: _Parts) -> FrozenTrial:
    trial_id, number, state, began, ended = head
    value_of = models.TrialValueModel.stored_repr_to_value
    report_of = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value
    params = parts.params.get(trial_id, ())
    ranges = {name: _distribution(text) for name, _, text in params}
    return FrozenTrial(
        number=number,
        state=state,
        value=None,
        values=[value_of(*stored) for stored in parts.values.get(trial_id, ())] or None,
        datetime_start=_local(began),
        datetime_complete=_local(ended),
        params={name: ranges[name].to_external_repr(value) for name, value, _ in params},
        distributions=ranges,
        user_attrs=_attributes(parts.user_attrs.get(trial_id, ())),
        system_attrs=_attributes(parts.system_attrs.get(trial_id, ())),
        intermediate_values={
            step: report_of(*stored) for step, *stored in parts.reports.get(trial_id, ())
        },
        trial_id=trial_id,
    )


def _attributes(found: Iterable[Sequence[Any]]) -> dict[str, Any]:
    return {key: json.loads(text) for key, text in found}


def _local(moment: datetime | None) -> datetime | None:
    """Local time without a zone, as Optuna gives it, of UTC without a zone, as it is stored."""
    return None if moment is None else moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
