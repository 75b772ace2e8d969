"""A setting: one value, a range or a choice of values, and how the command line writes each.

`model.heads` may be `4`, `1..8` or `1|2|4` there; a study file writes the same as `4`,
`{ low = 1, high = 8 }` and `{ choices = [1, 2, 4] }`. Knows nothing of which settings exist, of
their bounds, or of the sampler that draws from them.
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from a3b_tune.errors import InputError, unknown
from a3b_tune.study.scalars import (
    NUMBER,
    Scalar,
    checked,
    number,
    parse_scalar,
    plain_scalar,
    quoted,
    shown,
)

_PIECE = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^|]*?)\s*(\||$)""")
_ENDS = re.compile(rf"({NUMBER})\s*\.\.\s*({NUMBER})")


class Range(BaseModel):
    """Every number from `low` to `high`, both ends included.

    `log` draws evenly over orders of magnitude; `step` keeps to low, low + step, ..., high. Where
    one of the numbers is a float, all become floats. Raises pydantic's ValidationError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @property
    def integer(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int)

    def points(self) -> int | None:
        """How many values can be drawn; None where there is no end of them."""
        step = 1 if self.step is None and self.integer else self.step
        return None if step is None else _steps(self.low, self.high, step) + 1

    def values(self) -> tuple[int | float, ...]:
        """Every value that can be drawn, from low to high. Raises ValueError without a step."""
        points = self.points()
        if points is None:
            raise ValueError("a range of floats without a step has no end of values")
        return tuple(_point(self.low, self.step or 1, i) for i in range(points))

    @model_validator(mode="before")
    @classmethod
    def _numbers_of_one_kind(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        given = {key: data[key] for key in ("low", "high", "step") if data.get(key) is not None}
        numbers = {key: number(value, key) for key, value in given.items()}
        if any(isinstance(value, float) for value in numbers.values()):
            numbers = {key: float(value) for key, value in numbers.items()}
        return {**data, **numbers}

    @field_validator("log", mode="before")
    @classmethod
    def _log_is_a_switch(cls, value: object) -> object:
        if not isinstance(value, bool):
            raise ValueError(f"log must be true or false, not {shown(value)}")
        return value

    @model_validator(mode="after")
    def _ends_in_order(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"low must be below high, and {self.low} is not below {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log range must begin above 0, not at {self.low}")
        if self.step is not None:
            self._check_step(self.step)
        return self

    def _check_step(self, step: int | float) -> None:
        if self.log:
            raise ValueError(f"a log range has no step: leave out log or step {step}")
        if step <= 0:
            raise ValueError(f"step must be above 0, not {step}")
        last = _point(self.low, step, _steps(self.low, self.high, step))
        if last == self.low:
            raise ValueError(f"step {step} is wider than the range {self.low}..{self.high}")
        if last != self.high:
            raise ValueError(
                f"steps of {step} from {self.low} miss high {self.high}; did you mean high {last}?"
            )


class Choices(BaseModel):
    """One of a few values. Its numbers are all whole or all floats, and no two values are equal:
    the sampler finds a value by `==`, so it cannot tell 1 from true. Raises ValidationError."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    choices: tuple[Scalar, ...]

    @field_validator("choices", mode="before")
    @classmethod
    def _distinct_scalars(cls, values: object) -> object:
        if not isinstance(values, list | tuple):
            raise ValueError(f"choices must be a list, [...], not {shown(values)}")
        if not values:
            raise ValueError("choices must not be empty")
        scalars = [checked(value) for value in values]
        if any(isinstance(value, float) for value in scalars):
            scalars = [float(value) if type(value) is int else value for value in scalars]
        for i, value in enumerate(scalars):
            if value in scalars[:i]:
                raise ValueError(_same(scalars[scalars.index(value)], value))
        return tuple(scalars)


Setting = Scalar | Range | Choices
_Searched = TypeVar("_Searched", Range, Choices)
_KEYS = (*Range.model_fields, *Choices.model_fields)


def read_setting(value: object) -> Setting:
    """The setting that a value of TOML or JSON stands for. Raises ValueError with one clause."""
    if isinstance(value, Range | Choices):
        return value
    if isinstance(value, list | tuple):
        raise ValueError(f"a list is no setting; write {{ choices = {shown(value)} }}")
    if not isinstance(value, Mapping):
        return checked(value)
    for key in value:
        if key not in _KEYS:
            raise ValueError(unknown("key of a setting", key, _KEYS))
    if "choices" not in value:
        return _build(Range, value)
    if len(value) > 1:
        raise ValueError(
            f"choices stand alone, without {', '.join(sorted(set(value) - {'choices'}))}"
        )
    return _build(Choices, value)


def parse_setting(text: str) -> Setting:
    """The setting that the command line writes as `text`.

    `4`, `true`, `select`, `1|2|4`, `1..8`, `1e-4..1e-1:log`, `0..1:step=0.1`; a word that looks
    like something else stands in quotes: `"4"`. Raises InputError with one clause.
    """
    try:
        pieces = _pieces(text)
        if len(pieces) == 1:
            return _parse_range(text) if _is_range(pieces[0]) else parse_scalar(pieces[0])
        for piece in pieces:
            if _is_range(piece):
                raise ValueError(f"the choice {shown(text)} holds a range, {shown(piece)}")
        if pieces[-1] == "" and len(pieces) == 2:
            pieces.pop()
        return _build(Choices, {"choices": [parse_scalar(piece) for piece in pieces]})
    except ValueError as error:
        raise InputError(str(error)) from None


def show_setting(setting: Setting) -> str:
    """The setting as the command line writes it; `parse_setting` reads it back."""
    if isinstance(setting, Range):
        step = "" if setting.step is None else f":step={setting.step}"
        return f"{setting.low}..{setting.high}{':log' if setting.log else ''}{step}"
    if isinstance(setting, Choices):
        shown_choices = [_show_word(choice) for choice in setting.choices]
        return "|".join(shown_choices) + ("|" if len(shown_choices) == 1 else "")
    return _show_word(setting)


def plain_setting(setting: Setting) -> Scalar | dict[str, Any]:
    """The setting as TOML and JSON hold it; `read_setting` reads it back."""
    if isinstance(setting, Range):
        return setting.model_dump(exclude_defaults=True)
    if isinstance(setting, Choices):
        return {"choices": list(setting.choices)}
    return setting


def each_value(setting: Setting, change: Callable[[Scalar], Scalar]) -> Setting:
    """The setting with `change` done to its value, to both ends and the step of its range or to
    each of its choices. Raises ValueError with one clause, which names the setting it is part of.
    """
    if isinstance(setting, Range | Choices):
        values = setting.choices if isinstance(setting, Choices) else (setting.low, setting.high)
        try:
            changed = [change(value) for value in values]
        except ValueError as error:
            raise ValueError(f"{error} (in {show_setting(setting)})") from None
        if isinstance(setting, Choices):
            return _build(Choices, {"choices": changed})
        ends = dict(zip(("low", "high"), changed, strict=True))
        return _build(Range, {"log": setting.log, "step": setting.step, **ends})
    return change(setting)


def _build(kind: type[_Searched], fields: Mapping[str, object]) -> _Searched:
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "missing":
            raise ValueError(
                f"a range needs low and high, and {first['loc'][0]} is missing"
            ) from None
        raise ValueError(str(first.get("ctx", {}).get("error", first["msg"]))) from None


def _pieces(text: str) -> list[str]:
    """The text cut at each bar outside quotes, white space stripped."""
    pieces = []
    for match in _PIECE.finditer(text):
        pieces.append(match[1])
        if not match[2]:
            break
    return pieces


def _is_range(piece: str) -> bool:
    return ".." in piece and piece[:1] not in ('"', "'")


def _parse_range(text: str) -> Range:
    ends, *options = (part.strip() for part in text.split(":"))
    match = _ENDS.fullmatch(ends)
    if match is None:
        raise ValueError(
            f"{shown(text)} is no range; write LOW..HIGH in numbers, like 1..8 or 1e-4..0.1:log"
        )
    fields: dict[str, object] = {"low": parse_scalar(match[1]), "high": parse_scalar(match[2])}
    for option in options:
        name, _, value = (part.strip() for part in option.partition("="))
        if name not in ("log", "step") or (name == "log") == bool(value):
            raise ValueError(unknown("range option", option, ["log", "step=NUMBER"]))
        fields[name] = parse_scalar(value) if value else True
    return _build(Range, fields)


def _show_word(value: Scalar) -> str:
    text = plain_scalar(value)
    if not isinstance(value, str):
        return text
    try:
        bare = parse_setting(text) == value and isinstance(parse_setting(text), str)
    except InputError:
        bare = False
    return text if bare else quoted(text)


def _steps(low: int | float, high: int | float, step: int | float) -> int:
    return (Fraction(repr(high)) - Fraction(repr(low))) // Fraction(repr(step))


def _point(low: int | float, step: int | float, index: int) -> int | float:
    value = Fraction(repr(low)) + index * Fraction(repr(step))
    return int(value) if isinstance(low, int) else float(value)


def _same(first: Scalar, second: Scalar) -> str:
    if type(first) is type(second):
        return f"choices hold {shown(second)} twice"
    return f"choices hold {shown(first)} and {shown(second)}, which the sampler cannot tell apart"
