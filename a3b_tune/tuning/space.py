"""What a study file allows a trial to be: Optuna's words for its ranges, a trial's whole settings,
and the shapes among them. Knows no storage and no sampler.
"""

from collections.abc import Mapping
from functools import cache
from math import inf, prod
from typing import Any

from a3b_tune.study import Choices, Scalar, StudyFile
from a3b_tune.training.checks import accepted
from a3b_tune.training.shape import MEMBER_SETTINGS, Shape
from a3b_tune.tuning.ranges import distribution as distribution


def applies(setting: str, model: str) -> bool:
    """Whether a kind of model takes a setting; settings outside `[model]` always apply."""
    section, _, key = setting.partition(".")
    return section != "model" or key == "name" or key in _keys(model)


@cache
def _keys(model: str) -> frozenset[str]:
    """Asked for with each draw, and found by reading a signature."""
    return frozenset(accepted(model))


def whole_settings(file: StudyFile, params: Mapping[str, Any]) -> dict[str, Scalar]:
    """All settings of a trial, drawn and fixed, in the study file's order."""
    kind = str(params.get("model.name", file.model["name"]))
    fixed = file.fixed()
    return {
        name: params[name] if name in params else fixed[name]
        for name in file.settings()
        if applies(name, kind) and (name in params or name in fixed)
    }


def sizes(file: StudyFile) -> dict[str, float]:
    """How many values each searched setting has."""
    return {
        name: float(len(setting.choices))
        if isinstance(setting, Choices)
        else float(setting.points() or inf)
        for name, setting in file.searched().items()
    }


def shape_count(file: StudyFile) -> float:
    """How many shapes a study file allows, at most."""
    return prod(size for name, size in sizes(file).items() if name not in MEMBER_SETTINGS)


def draws_within(file: StudyFile) -> float:
    """How many different draws one shape has, at most."""
    return prod(size for name, size in sizes(file).items() if name in MEMBER_SETTINGS)


def agrees(shape: Shape, params: Mapping[str, Any]) -> bool:
    """Whether drawn or asked-for parameters, all or some of them, leave a trial of this shape
    possible."""
    wanted = dict(shape.settings)
    return all(wanted.get(k, v) == v for k, v in params.items() if k not in MEMBER_SETTINGS)
