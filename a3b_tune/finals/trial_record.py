"""What a study recorded of one trial: what it began with, what it measured, who trained beside it.

Reads a study and changes nothing; knows no learner.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from a3b_tune.errors import InputError
from a3b_tune.study import Scalar
from a3b_tune.training.shape import Shape
from a3b_tune.tuning import records
from a3b_tune.tuning.sampling import derived_seed
from a3b_tune.tuning.space import whole_settings
from a3b_tune.tuning.studies import StoredStudy

DIVERGED = "diverged: "


@dataclass(frozen=True)
class Recorded:
    """A trial as its study recorded it: what it began with, what it measured by epoch, and why it
    ended; `span` is when it ran, in seconds of the epoch."""

    number: int
    seed: int
    settings: Mapping[str, Scalar]
    stack: int
    threads: int
    device: str
    data_hash: str
    versions: Mapping[str, str]
    commit: str | None
    sources: Mapping[str, Any]
    epochs: Sequence[Mapping[str, Any]]
    values: Mapping[int, float]
    params: Mapping[str, Any]
    reason: str | None
    resumed: int | None
    span: tuple[float, float]

    @property
    def diverged(self) -> bool:
        return (self.reason or "").startswith(DIVERGED)


def recorded(stored: StoredStudy, number: int) -> Recorded:
    """A trial's record.

    :raises InputError: there is no such trial, or nothing to compare was recorded of it.
    """
    trials = stored.study.get_trials(deepcopy=False)
    where = f"study {stored.file.study.name!r}"
    if number >= len(trials):
        has = f"has the trials 0 to {len(trials) - 1}" if trials else "has no trials yet"
        raise InputError(f"--trial {number}: {where} {has}")
    found = _recorded(trials[number])
    if found is None or not (found.epochs or found.diverged):
        raise InputError(f"--trial {number}: trial {number} of {where} never completed an epoch")
    return found


def _recorded(trial: Any) -> Recorded | None:  # noqa: ANN401 (Optuna's, which is not known here)
    attrs = trial.user_attrs
    record = attrs.get(records.RECORD)
    if record is None:
        return None
    values = dict(trial.intermediate_values)
    begun, ended = trial.datetime_start, trial.datetime_complete
    return Recorded(
        number=trial.number,
        seed=int(record["seed"]),
        settings=record["settings"],
        stack=int(record.get(records.STACK) or 1),
        threads=int(record.get("threads") or 1),
        device=str(record.get("device", "")),
        data_hash=str(record.get("data_hash", "")),
        versions=record.get("versions", {}),
        commit=record.get("commit"),
        sources=record.get("model_sources", {}),
        epochs=[epoch for epoch in attrs.get(records.EPOCHS, []) if epoch["epoch"] in values],
        values=values,
        params=dict(trial.params),
        reason=attrs.get(records.REASON),
        resumed=record.get(records.RESUMED),
        span=(
            begun.timestamp() if begun else 0.0,
            ended.timestamp() if ended else float("inf"),
        ),
    )


def company(stored: StoredStudy, trial: Recorded) -> list[Recorded]:
    """Trials that may have been in the stack of one, as many as there were places beside it: of its
    shape, in such a stack, at its time, those that began nearest to it first."""
    if trial.stack == 1:
        return []
    shape = Shape.of(trial.settings)
    found = []
    for other in map(_recorded, stored.study.get_trials(deepcopy=False)):
        if other is None or other.number == trial.number or other.stack != trial.stack:
            continue
        meets = other.span[0] <= trial.span[1] and trial.span[0] <= other.span[1]
        if meets and shape.fits(other.settings):
            found.append(other)
    found.sort(key=lambda other: (abs(other.span[0] - trial.span[0]), other.number))
    return found[: trial.stack - 1]


def faults(stored: StoredStudy, trial: Recorded) -> list[str]:
    """In what a record contradicts its study or itself."""
    file, found = stored.file, []
    seed = derived_seed(file.study.seed, trial.number, "trial")
    if trial.seed != seed:
        found.append(f"the record's seed is {trial.seed}, the study gives this trial {seed}")
    whole = whole_settings(file, trial.params)
    for name in sorted({*whole, *trial.settings}):
        # Samples may be asked for otherwise while a study goes on.
        if not name.startswith("samples.") and whole.get(name) != trial.settings.get(name):
            then, drawn = trial.settings.get(name), whole.get(name)
            found.append(f"the record's {name} is {then}, the study gave this trial {drawn}")
    for epoch in trial.epochs:
        value, told = epoch[file.metric.name], trial.values[epoch["epoch"]]
        if value != told:
            found.append(
                f"the record's {file.metric.name} of epoch {epoch['epoch']} is {value}, the study "
                f"was told {told}"
            )
    known = stored.study.user_attrs[records.STUDY_DATA]["hash"]
    if trial.data_hash != known:
        found.append(f"the record's data is {trial.data_hash[:12]}, the study's {known[:12]}")
    return found
