"""A study's trials as plain rows, in one pass, and their order from the best down.

Knows how trials are stored; knows nothing of tables, files or the terminal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from math import isfinite
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.study import Scalar
from a3b_tune.tuning import records

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
    """One trial. `value` is the best validation accuracy over its epochs, whatever became of the
    trial, and `best_epoch` the first epoch with it; `params` are the searched settings, `settings`
    all of them; `repeats` is the trial whose settings these are, with a new seed; `seconds` is the
    time by part; `epochs` holds what was measured, an entry per epoch; `lost` says that its worker
    ran on this machine and is gone; `stack` is how many slots the stack had that it ran in;
    `interruptions` are the reasons for which it was given up, `resumed` the epoch after which it
    last went on."""

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

    def to_json(self) -> dict[str, Any]:
        """The row as JSON holds it: moments in ISO 8601 with their zone, null for NaN."""
        return json_object({field.name: getattr(self, field.name) for field in fields(self)})


def rows(study: optuna.Study) -> list[TrialRow]:
    """Every trial of a study, by number."""
    return [_row(trial) for trial in study.get_trials(deepcopy=False)]


def ranked(found: Iterable[TrialRow]) -> list[TrialRow]:
    """The complete trials, the best first: more accuracy, then fewer epochs to it, then the lower
    number.

    Pruned trials are left out even where their last value was high: they were stopped before their
    settings had shown what they are worth, so their place would say when they were stopped. Optuna
    and its dashboard count the best in the same way.
    """
    done = [row for row in found if row.state == "complete" and row.value is not None]
    return sorted(done, key=lambda row: (-(row.value or 0.0), row.best_epoch or 0, row.number))


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


def _row(trial: FrozenTrial) -> TrialRow:
    attrs = trial.user_attrs
    record = attrs.get(records.RECORD, {})
    values = trial.intermediate_values
    best = max(values, key=lambda epoch: (values[epoch], -epoch), default=None)
    params = dict(trial.params)
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
        # A trial that was put back keeps the notes of its broken run until it runs again.
        epochs=[epoch for epoch in attrs.get(records.EPOCHS, []) if epoch["epoch"] in values],
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
    )


def _is_lost(attrs: Mapping[str, Any]) -> bool:
    return records.WORKER in attrs and records.is_dead(attrs[records.WORKER])


def _aware(moment: datetime | None) -> datetime | None:
    """Optuna answers in this machine's time, without saying so."""
    return None if moment is None else moment.astimezone()
