"""A trial, and what all trials of a study have in common, as the JSON that optuna-dashboard's pages
read.

The same words as optuna-dashboard's own answers, but for three things: a search's records, which
are long, are told as a few attributes that can be sorted and plotted; a trial without a note of
somebody's has one of ours; its curves are among its artifacts. Knows no request.
"""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import isfinite, isnan
from numbers import Real
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

from a3b_tune.results.dashboard.measure import Measure, last_epoch
from a3b_tune.results.dashboard.notes import Notes
from a3b_tune.tuning import records

OURS = "a3b:"
ARTIFACT = "artifacts:"
LONGEST_ATTR = 1024
# What a trial on text measured beside its value, as columns of a table.
SCORES = ("excess", "bits_all", "final_bits", "final_excess", "valid_share")
CURVES = "curves.png"
# Study attributes that say something of one trial: somebody's note, artifacts, one taken away.
OF_TRIAL = re.compile(r"dashboard:(?:artifacts:)?(\d+):")


def curve_id(trial_id: int) -> str:
    """The name of a trial's curves among its artifacts."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"a3b-tune curves of trial {trial_id}"))


def touched(study_attrs: Iterable[str]) -> set[int]:
    """The ids of the trials of which the study's own attributes say something."""
    return {int(match[1]) for key in study_attrs if (match := OF_TRIAL.match(key))}


def trial_json(
    study_id: int, trial: FrozenTrial, notes: Notes, study_attrs: Mapping[str, Any]
) -> bytes:
    """A trial. `study_attrs` are the study's attributes if they say something of it, else none."""
    attrs = trial.system_attrs
    fixed = attrs.get("fixed_params", {})
    told = note(study_attrs, trial._trial_id)
    if told is None:
        # Version 0: nobody's yet, so that whoever edits it writes the first.
        told = {"version": 0, "body": notes.of_trial(trial, _picture(study_id, trial))}
    parts = {
        "trial_id": str(trial._trial_id),
        "study_id": str(study_id),
        "number": str(trial.number),
        "state": f'"{trial.state.name.capitalize()}"',
        "params": f"[{','.join(_params(trial))}]",
        "fixed_params": json.dumps(
            [{"name": key, "param_external_value": str(value)} for key, value in fixed.items()]
        ),
        "user_attrs": json.dumps(shown(trial_attrs(trial, notes.measure))),
        "note": json.dumps(told),
        "artifacts": json.dumps(artifacts(trial, study_attrs)),
        "constraints": json.dumps(attrs.get("constraints", [])),
        "intermediate_values": f"[{','.join(_reports(trial, notes.measure))}]",
    }
    if trial.values is not None:
        parts["values"] = json.dumps([_number(value) for value in trial.values])
    for name in ("datetime_start", "datetime_complete"):
        if moment := getattr(trial, name):
            parts[name] = f'"{moment.isoformat()}"'
    return ("{" + ",".join(f'"{key}":{value}' for key, value in parts.items()) + "}").encode()


def space_json(space: Mapping[str, BaseDistribution]) -> str:
    """Searched settings and their ranges, by name."""
    told = (
        f'{{"name":{json.dumps(name)},"distribution":{distribution_json(space[name])}}}'
        for name in sorted(space)
    )
    return f"[{','.join(told)}]"


@lru_cache(maxsize=4096)
def distribution_json(distribution: BaseDistribution) -> str:
    told: dict[str, Any] = {"type": type(distribution).__name__}
    if isinstance(distribution, CategoricalDistribution):
        choices = distribution.choices
        told["choices"] = [{"pytype": str(type(one)), "value": str(one)} for one in choices]
    else:
        told |= {name: getattr(distribution, name) for name in ("low", "high", "step", "log")}
    return json.dumps(told)


def trial_attrs(trial: FrozenTrial, measure: Measure) -> dict[str, Any]:
    """What is told of a trial beside its parameters: numbers where they can be sorted."""
    attrs = trial.user_attrs
    record = attrs.get(records.RECORD) or {}
    worker = attrs.get(records.WORKER) or {}
    seconds = attrs.get(records.SECONDS) or {}
    last, epochs = last_epoch(trial), len(trial.intermediate_values)
    told: dict[str, Any] = {
        f"best_{measure.unit}": measure.moment(measure.best(trial)[0]) if epochs else None,
        f"{measure.unit}s": measure.moment(epochs) or None,
        **{name: last.get(name) for name in SCORES},
        "seconds": round(sum(seconds.values()), 3) or None,
        "stack": record.get(records.STACK),
        "repeats": record.get("repeats"),
        "interruptions": len(attrs.get(records.INTERRUPTIONS, [])) or None,
        "reason": attrs.get(records.REASON),
        # As text: a browser's numbers end before a seed does.
        "seed": None if record.get("seed") is None else str(record["seed"]),
        "worker": f"{worker['host']}:{worker['pid']}" if worker else None,
        "error": attrs.get(records.TRACEBACK),
    }
    others = {key: value for key, value in attrs.items() if not key.startswith(OURS)}
    return {key: value for key, value in told.items() if value is not None} | others


def shown(attrs: Mapping[str, Any]) -> list[dict[str, str]]:
    """Attributes as optuna-dashboard shows them."""
    return [{"key": key, "value": _shown(value)} for key, value in attrs.items()]


def sortable(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def note(study_attrs: Mapping[str, Any], trial_id: int | None) -> dict[str, Any] | None:
    """What somebody typed about a trial, or about the study; None where nobody did. One that was
    emptied stays so."""
    prefix = "dashboard:" if trial_id is None else f"dashboard:{trial_id}:"
    version = study_attrs.get(f"{prefix}note_ver")
    if version is None:
        return None
    pieces: list[str] = []
    while (piece := study_attrs.get(f"{prefix}note_str:{len(pieces)}")) is not None:
        pieces.append(str(piece))
    return {"version": int(version), "body": "".join(pieces)}


def artifacts(trial: FrozenTrial, study_attrs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A trial's files, its curves among them."""
    found: list[dict[str, Any]] = []
    prefix = f"dashboard:artifacts:{trial._trial_id}:"
    stored = {key: value for key, value in study_attrs.items() if key.startswith(prefix)}
    gone = {key.removeprefix(prefix) for key, value in stored.items() if value == "null"}
    mine = {k: value for k, value in trial.system_attrs.items() if k.startswith(ARTIFACT)}
    for key, value in (stored | mine).items():
        if key.removeprefix(prefix).removeprefix(ARTIFACT) not in gone and value != "null":
            found.append(json.loads(value))
    if trial.intermediate_values and all(one["filename"] != CURVES for one in found):
        curves = {"filename": CURVES, "mimetype": "image/png", "encoding": None}
        found.insert(0, {"artifact_id": curve_id(trial._trial_id), **curves})
    return found


def study_artifacts(study_attrs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files of a study itself."""
    found = [json.loads(value) for key, value in study_attrs.items() if key.startswith(ARTIFACT)]
    return [one for one in found if one is not None]


def _picture(study_id: int, trial: FrozenTrial) -> str | None:
    if not trial.intermediate_values:
        return None
    return f"/artifacts/{study_id}/{trial._trial_id}/{curve_id(trial._trial_id)}"


def _params(trial: FrozenTrial) -> Iterator[str]:
    for name, value in trial.params.items():
        distribution = trial.distributions[name]
        if isinstance(distribution, CategoricalDistribution):
            yield _choice(name, distribution, value)
        else:
            yield _param(name, distribution, value)


@lru_cache(maxsize=4096, typed=True)
def _choice(name: str, distribution: BaseDistribution, value: Any) -> str:  # noqa: ANN401
    return _param(name, distribution, value)


def _param(name: str, distribution: BaseDistribution, value: Any) -> str:  # noqa: ANN401
    inner = json.dumps(distribution.to_internal_repr(value))
    return (
        f'{{"name":{json.dumps(name)},"param_internal_value":{inner},'
        f'"param_external_value":{json.dumps(str(value))},'
        f'"param_external_pytyp":{json.dumps(str(type(value)))},'
        f'"distribution":{distribution_json(distribution)}}}'
    )


def _reports(trial: FrozenTrial, measure: Measure) -> Iterator[str]:
    for epoch, value in sorted(trial.intermediate_values.items()):
        told = repr(value) if isfinite(value) else f'"{_number(value)}"'
        yield f'{{"step":{measure.moment(epoch)},"value":{told}}}'


def _number(value: float) -> float | str:
    """JSON has no word for these."""
    if isfinite(value):
        return value
    return "nan" if isnan(value) else "inf" if value > 0 else "-inf"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Real):
        return str(value)
    return json.dumps(value)[:LONGEST_ATTR]
