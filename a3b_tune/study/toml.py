"""A study file as the TOML that a person would write: sections in order, a key a line.

Writes what a study file can hold and no more; `loads` reads it back to an equal file.
"""

from collections.abc import Mapping

from a3b_tune.study.file import StudyFile
from a3b_tune.study.kinds import show_duration
from a3b_tune.study.scalars import plain_scalar, quoted

TIMES = (
    ("study", "timeout"),
    ("study", "heartbeat"),
    ("study", "checkpoint"),
    ("training", "max_time"),
)
"""The keys that hold a length of time, which a person writes with its unit."""


def dumps_toml(file: StudyFile) -> str:
    """All that the file says, defaults too, as TOML with a line break at its end."""
    plain = file.plain()
    for section, key in TIMES:
        if key in plain[section]:
            plain[section][key] = show_duration(plain[section][key])
    return "\n".join(_section(name, values) for name, values in plain.items())


def _section(name: str, values: Mapping[str, object]) -> str:
    lines = [f"[{name}]", *(f"{key} = {_value(value)}" for key, value in values.items())]
    return "".join(f"{line}\n" for line in lines)


def _value(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool | int | float):
        return plain_scalar(value)
    raise TypeError(f"a study file holds no {type(value).__name__}: {value!r}")
