"""All studies of a storage, a line each, however many trials they hold.

Counts are made by the database: reading 10 000 whole trials takes seconds. The one file of this
room that knows Optuna's tables. Through a proxy trials are read and counted here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from optuna.storages._rdb import models
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import TrialState
from sqlalchemy import Select, func, select

from a3b_tune.errors import InputError
from a3b_tune.results.trials import STATES, State, json_object
from a3b_tune.storage.database import DatabaseStorage
from a3b_tune.storage.verbs import Storage
from a3b_tune.study import Choices, StudyFile
from a3b_tune.tuning import records

TRIALS = models.TrialModel.__table__
VALUES = models.TrialValueModel.__table__
ATTRIBUTES = models.TrialUserAttributeModel.__table__


@dataclass
class Tally:
    """What the database counted of one study: `lowest` and `highest` values of complete trials,
    `lost` running trials whose worker is gone."""

    counts: dict[State, int] = field(default_factory=dict)
    lowest: float | None = None
    highest: float | None = None
    lost: int = 0
    started: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True)
class StudyLine:
    """One study. `asked` is how many trials it is to have in all, `last` the moment when a trial
    last began or ended, `metric` what `best`, `ceiling` and `floor` are in, `problem` why it cannot
    be read by a3b-tune."""

    name: str
    data: str | None
    models: tuple[str, ...]
    asked: int | None
    counts: Mapping[State, int]
    lost: int
    best: float | None
    ceiling: float | None
    validation: int | None
    started: datetime | None
    last: datetime | None
    problem: str | None = None
    metric: str | None = None
    floor: float | None = None

    @property
    def ended(self) -> int:
        return sum(self.counts.get(state, 0) for state in ("complete", "pruned", "failed"))

    def to_json(self) -> dict[str, Any]:
        return json_object({**vars(self), "ended": self.ended})


def study_names(storage: Storage) -> list[str]:
    """The names of all studies of a storage, the oldest first."""
    return [study.study_name for study in storage.get_all_studies()]


def study_lines(storage: Storage) -> list[StudyLine]:
    """Every study of a storage, the one that was last worked on first."""
    tallies = _tallies(storage)
    studies = storage.get_all_studies()
    lines = [_line(study, tallies.get(study._study_id, Tally())) for study in studies]
    return sorted(lines, key=lambda line: line.last.timestamp() if line.last else 0.0, reverse=True)


def _line(study: FrozenStudy, tally: Tally) -> StudyLine:
    attrs = study.user_attrs
    file, problem = _file(attrs)
    total = sum(tally.counts.values())
    ceiling, floor = attrs.get(records.STUDY_CEILING), attrs.get(records.STUDY_FLOOR)
    falls = study.directions[0] == StudyDirection.MINIMIZE
    return StudyLine(
        name=study.study_name,
        data=file.data.name if file else None,
        models=model_names(file) if file else (),
        asked=max(file.study.trials, total) if file else None,
        counts=tally.counts,
        lost=tally.lost,
        best=tally.lowest if falls else tally.highest,
        ceiling=ceiling["value"] if ceiling else None,
        validation=attrs.get(records.STUDY_DATA, {}).get("validation"),
        started=tally.started,
        last=tally.last,
        problem=problem,
        metric=file.metric.name if file else None,
        floor=floor["value"] if floor else None,
    )


def model_names(file: StudyFile) -> tuple[str, ...]:
    """The kinds of model that a study draws from."""
    name = file.model["name"]
    return tuple(map(str, name.choices)) if isinstance(name, Choices) else (str(name),)


def _file(attrs: Mapping[str, Any]) -> tuple[StudyFile | None, str | None]:
    if records.STUDY_FILE not in attrs:
        return None, "not made by a3b-tune"
    if attrs.get(records.STUDY_FORMAT) != records.FORMAT:
        return None, "made by another version of a3b-tune"
    try:
        return StudyFile.from_json(attrs[records.STUDY_FILE]), None
    except InputError as error:
        return None, str(error)


def _tallies(storage: Storage) -> dict[int, Tally]:
    if isinstance(storage, DatabaseStorage):
        return _counted(storage)
    return {
        study._study_id: _tally(storage, study._study_id) for study in storage.get_all_studies()
    }


def _tally(storage: Storage, study: int) -> Tally:
    """What there is to count of one study where the database cannot be asked itself."""
    tally = Tally()
    for trial in storage.get_all_trials(study, deepcopy=False):
        state = STATES[trial.state]
        tally.counts[state] = tally.counts.get(state, 0) + 1
        known = [m.astimezone() for m in (trial.datetime_start, trial.datetime_complete) if m]
        tally.started = min([*known, *([tally.started] if tally.started else [])], default=None)
        tally.last = max([*known, *([tally.last] if tally.last else [])], default=None)
        if state == "complete" and trial.value is not None:
            told = [trial.value, *(v for v in (tally.lowest, tally.highest) if v is not None)]
            tally.lowest, tally.highest = min(told), max(told)
        if state == "running" and records.WORKER in trial.user_attrs:
            tally.lost += records.is_dead(trial.user_attrs[records.WORKER])
    return tally


def _counted(storage: DatabaseStorage) -> dict[int, Tally]:
    """Three queries, whatever the number of studies and trials."""
    tallies: dict[int, Tally] = {}
    with storage.engine.connect() as connection:
        for study, state, count, *moments in connection.execute(_counts()):
            tally = tallies.setdefault(study, Tally())
            tally.counts[STATES[state]] = count
            known = [moment.replace(tzinfo=UTC).astimezone() for moment in moments if moment]
            tally.started = min([*known, tally.started or known[0]]) if known else tally.started
            tally.last = max([*known, tally.last or known[0]]) if known else tally.last
        for study, *ends in connection.execute(_bests()):
            tallies[study].lowest, tallies[study].highest = ends
        for study, worker in connection.execute(_workers()):
            tallies[study].lost += records.is_dead(json.loads(worker))
    return tallies


def _counts() -> Select[Any]:
    """Study, state, how many, first and last beginning, last end. Moments are stored in UTC."""
    begun, ended = TRIALS.c.datetime_start, TRIALS.c.datetime_complete
    columns = (func.count(), func.min(begun), func.max(begun), func.max(ended))
    keys = (TRIALS.c.study_id, TRIALS.c.state)
    return select(*keys, *columns).group_by(*keys)


def _bests() -> Select[Any]:
    return (
        select(TRIALS.c.study_id, func.min(VALUES.c.value), func.max(VALUES.c.value))
        .join_from(TRIALS, VALUES)
        .where(TRIALS.c.state == TrialState.COMPLETE)
        .group_by(TRIALS.c.study_id)
    )


def _workers() -> Select[Any]:
    """Study and worker, as JSON, of each running trial."""
    return (
        select(TRIALS.c.study_id, ATTRIBUTES.c.value_json)
        .join_from(TRIALS, ATTRIBUTES)
        .where(TRIALS.c.state == TrialState.RUNNING, ATTRIBUTES.c.key == records.WORKER)
    )
