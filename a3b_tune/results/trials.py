"""A study's trials as plain rows, in one pass, and their order from the best down.

Knows how trials are stored; knows nothing of tables, files or the terminal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from math import isfinite
from typing import Any, Literal

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.study import ACCURACY, BITS, Metric, Scalar
from a3b_tune.tuning import records
from a3b_tune.tuning.scores import scores_of

State = Literal["complete", "pruned", "failed", "running", "waiting"]
STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True)
class TrialRow:
    """One trial. `value` is the best value of the study's metric over its epochs, whatever became
    of the trial, and `best_epoch` the first epoch with it; `params` are the searched settings,
    `settings` all of them; `repeats` is the trial whose settings these are, with a new seed;
    `seconds` is the time by part; `epochs` holds what was measured, an entry per epoch; `lost` says
    that its worker ran on this machine and is gone; `stack` is how many slots the stack had that it
    ran in; `interruptions` are the reasons for which it was given up, `resumed` the epoch after
    which it last went on; `scores` is what else was measured in its last epoch, by name."""

    number: int
    state: State
    value: float | None
    best_epoch: int | None
    params: Mapping[str, Scalar]
    settings: Mapping[str, Scalar]
    seed: int | None
    repeats: int | None
    reason: str | None
    epochs: list[dict[str, Any]]
    seconds: Mapping[str, float]
    started: datetime | None
    ended: datetime | None
    device: str | None
    stack: int | None
    threads: int | None
    versions: Mapping[str, str]
    commit: str | None
    lost: bool
    interruptions: Sequence[str] = ()
    resumed: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The row as JSON holds it: moments in ISO 8601 with their zone, null for NaN."""
        return json_object({each.name: getattr(self, each.name) for each in fields(self)})


def rows(study: optuna.Study) -> list[TrialRow]:
    """Every trial of a study, by number."""
    metric = BITS if study.direction == StudyDirection.MINIMIZE else ACCURACY
    return [_row(trial, metric) for trial in study.get_trials(deepcopy=False)]


def ranked(found: Iterable[TrialRow], metric: Metric) -> list[TrialRow]:
    """The complete trials, the best first: the better value, then fewer epochs to it, then the
    lower number.

    Pruned trials are left out even where their last value was high: they were stopped before their
    settings had shown what they are worth, so their place would say when they were stopped. Optuna
    and its dashboard count the best in the same way.
    """
    done = [
        (-metric.key(row.value), row.best_epoch or 0, row.number, row)
        for row in found
        if row.state == "complete" and row.value is not None
    ]
    return [row for *_, row in sorted(done, key=lambda place: place[:3])]


def json_object(fields: Mapping[str, object]) -> dict[str, Any]:
    """The same fields with moments as text and null in place of NaN and infinities, all through."""
    return {str(key): _plain(value) for key, value in fields.items()}


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, Mapping):
        return json_object(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _row(trial: FrozenTrial, metric: Metric) -> TrialRow:
    attrs = trial.user_attrs
    record = attrs.get(records.RECORD, {})
    values = trial.intermediate_values
    best = metric.best_epoch(values)
    params = dict(trial.params)
    # A trial that was put back keeps the notes of its broken run until it runs again.
    epochs = [epoch for epoch in attrs.get(records.EPOCHS, []) if epoch["epoch"] in values]
    return TrialRow(
        number=trial.number,
        state=STATES[trial.state],
        value=None if best is None else values[best],
        best_epoch=best,
        params=params,
        settings=record.get("settings", params),
        seed=record.get("seed"),
        repeats=record.get("repeats"),
        reason=attrs.get(records.REASON),
        epochs=epochs,
        seconds=attrs.get(records.SECONDS, {}),
        started=_aware(trial.datetime_start),
        ended=_aware(trial.datetime_complete),
        device=record.get("device"),
        stack=record.get(records.STACK),
        threads=record.get("threads"),
        versions=record.get("versions", {}),
        commit=record.get("commit"),
        lost=trial.state == TrialState.RUNNING and _is_lost(attrs),
        interruptions=[note["reason"] for note in attrs.get(records.INTERRUPTIONS, [])],
        resumed=record.get(records.RESUMED),
        scores=scores_of(epochs[-1], metric.name) if epochs else {},
    )


def _is_lost(attrs: Mapping[str, Any]) -> bool:
    return records.WORKER in attrs and records.is_dead(attrs[records.WORKER])


def _aware(moment: datetime | None) -> datetime | None:
    """Optuna answers in this machine's time, without saying so."""
    return None if moment is None else moment.astimezone()
