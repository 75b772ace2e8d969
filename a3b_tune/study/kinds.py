"""What a key of a study file may hold: whole numbers, floats, words, text or a length of time.

A kind annotates a field, `Annotated[int | Range | Choices, Whole(low=1)]`: it reads the field,
checks each value of it (both ends of a range, every choice) and says in words what is wrong.
Knows nothing of which fields there are.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import NoneType
from typing import Any, ClassVar, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from a3b_tune.errors import unknown
from a3b_tune.study.scalars import Scalar, shown
from a3b_tune.study.settings import Choices, Range, Setting, each_value, read_setting, show_setting

_UNITS = {"h": 3600, "m": 60, "s": 1}
_COUNT = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_DURATION = re.compile(
    rf"(?P<bare>{_COUNT})|(?=.)" + "".join(rf"(?:(?P<{unit}>{_COUNT}){unit})?" for unit in _UNITS)
)

_DEVICE_TIME = re.compile(rf"(?P<count>{_COUNT})(?P<device>gpu|cpu)-(?P<unit>[hms])")


class SettingError(ValueError):
    """What is wrong with a key other than the one that is being read, or with several keys."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


@dataclass(frozen=True)
class Kind(ABC):
    """One kind of value. With `fixed`, a range or a choice is refused: it is never searched."""

    ranges: ClassVar[bool] = True

    @abstractmethod
    def check(self, value: Scalar) -> Scalar:
        """The value as the field keeps it. Raises ValueError with one clause."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of one value."""

    @property
    def searchable(self) -> bool:
        return not getattr(self, "fixed", False)

    def read(self, value: object) -> Setting:
        """The setting that a value of a file stands for. Raises ValueError with one clause."""
        setting = read_setting(value)
        if isinstance(setting, Range | Choices) and not self.searchable:
            raise ValueError(
                f"must be one value (it is never searched), not {show_setting(setting)}"
            )
        if isinstance(setting, Range) and not self.ranges:
            raise ValueError(f"must be a word or a choice of words, not {show_setting(setting)}")
        return each_value(setting, self.check)

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema = core_schema.no_info_plain_validator_function(self.read)
        return core_schema.nullable_schema(schema) if NoneType in get_args(source) else schema


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number from `low` to `high`."""

    low: int = 0
    high: int | None = None
    fixed: bool = False

    def read(self, value: object) -> Setting:
        setting = read_setting(value)
        if isinstance(setting, Range) and not setting.integer:
            raise ValueError(f"must be whole numbers, not {show_setting(setting)}")
        return super().read(setting)

    def check(self, value: Scalar) -> int:
        if isinstance(value, float) and value.is_integer():
            raise ValueError(f"must be a whole number: write {int(value)}, not {value}")
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be a whole number, not {shown(value)}")
        if value < self.low:
            raise ValueError(f"must be at least {self.low}, not {value}")
        if self.high is not None and value > self.high:
            raise ValueError(f"must be at most {self.high}, not {value}")
        return value

    def schema(self) -> dict[str, Any]:
        top = {} if self.high is None else {"maximum": self.high}
        return {"type": "integer", "minimum": self.low, **top}


@dataclass(frozen=True)
class Real(Kind):
    """A float: at least `low` or above `above`, at most `high` or below `below`."""

    low: float | None = None
    above: float | None = None
    high: float | None = None
    below: float | None = None
    fixed: bool = False

    def check(self, value: Scalar) -> float:
        if isinstance(value, bool | str):
            raise ValueError(f"must be a number, not {shown(value)}")
        if self.low is not None and value < self.low:
            raise ValueError(f"must be at least {self.low:g}, not {value}")
        if self.above is not None and value <= self.above:
            raise ValueError(f"must be above {self.above:g}, not {value}")
        if self.high is not None and value > self.high:
            raise ValueError(f"must be at most {self.high:g}, not {value}")
        if self.below is not None and value >= self.below:
            raise ValueError(f"must be below {self.below:g}, not {value}")
        return float(value)

    def schema(self) -> dict[str, Any]:
        bounds = {
            "minimum": self.low,
            "exclusiveMinimum": self.above,
            "maximum": self.high,
            "exclusiveMaximum": self.below,
        }
        return {"type": "number", **{key: end for key, end in bounds.items() if end is not None}}


@dataclass(frozen=True)
class Word(Kind):
    """One of a few words; `what` they are is for the error text."""

    what: str
    known: tuple[str, ...]
    fixed: bool = False
    ranges: ClassVar[bool] = False

    def check(self, value: Scalar) -> str:
        if not isinstance(value, str) or value not in self.known:
            raise ValueError(unknown(self.what, value, self.known))
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.known)}


@dataclass(frozen=True)
class Text(Kind):
    """Any text on one line. With `flow`, line breaks become blanks."""

    flow: bool = False
    fixed: ClassVar[bool] = True

    def check(self, value: Scalar) -> str:
        if not isinstance(value, str):
            raise ValueError(f"must be text, not {shown(value)}")
        return value

    def read(self, value: object) -> Setting:
        flows = self.flow and isinstance(value, str)
        return super().read(" ".join(str(value).split()) if flows else value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Duration(Kind):
    """A length of time above 0, kept in seconds: 90, "45s", "30m", "1h30m"."""

    fixed: ClassVar[bool] = True

    def check(self, value: Scalar) -> float:
        seconds = _seconds(value) if isinstance(value, str) else value
        if isinstance(seconds, bool) or seconds is None:
            raise ValueError(f"must be seconds, or a time like 45s, 30m, 1h30m, not {shown(value)}")
        if seconds <= 0:
            raise ValueError(f"must be above 0, not {shown(value)}")
        return float(seconds)

    def schema(self) -> dict[str, Any]:
        part = r"([0-9]+(\.[0-9]+)?{})?"
        pattern = "^" + "".join(part.format(unit) for unit in _UNITS) + "$"
        text = {"type": "string", "minLength": 2, "pattern": pattern}
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, text]}


@dataclass(frozen=True)
class DeviceTime(Kind):
    """Hours of work on devices: "6gpu-h", "90gpu-m", "12cpu-h"."""

    fixed: ClassVar[bool] = True

    def check(self, value: Scalar) -> str:
        found = _DEVICE_TIME.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(
                f"must be a time on devices like 6gpu-h or 90cpu-m, not {shown(value)}"
            )
        if not float(found["count"]):
            raise ValueError(f"must be above 0, not {shown(value)}")
        return found[0]

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_COUNT}(gpu|cpu)-[hms]$"}


def device_time(text: str) -> tuple[str, float]:
    """The device ("gpu" or "cpu") and the seconds of a checked `DeviceTime`."""
    found = _DEVICE_TIME.fullmatch(text)
    assert found is not None
    return found["device"], float(found["count"]) * _UNITS[found["unit"]]


def show_duration(seconds: float) -> float | str:
    """Seconds as a person writes them, "1h30m"; the number itself where that would be longer."""
    if not seconds.is_integer() or seconds > 1e9:
        return seconds
    parts, rest = [], int(seconds)
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


def _seconds(text: str) -> float | None:
    match = _DURATION.fullmatch(text.replace(" ", ""))
    if match is None:
        return None
    if match["bare"]:
        return float(match["bare"])
    return sum(float(match[unit] or 0) * size for unit, size in _UNITS.items())
