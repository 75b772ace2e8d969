"""A single value: true or false, a whole number, a float or a word; read, checked and written.

Knows nothing of ranges, of choices, or of what a value is for.
"""

import json
import math
import re

Scalar = bool | int | float | str

LARGEST_INT = 2**53
"""Beyond it a whole number is not exact as a float, and the storage keeps numbers as floats."""

NUMBER = r"[+-]?[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?"
_DIGITS = "[0-9]+(?:_[0-9]+)*"
_INTEGER = re.compile(rf"[+-]?{_DIGITS}")
_FLOAT = re.compile(rf"[+-]?{_DIGITS}(?:\.{_DIGITS})?(?:[eE][+-]?[0-9]+)?")
_CLIP, _DEEP = 60, 3


def checked(value: object) -> Scalar:
    """The value itself if it can be stored and shown. Raises ValueError with one clause."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return number(value)
    if not isinstance(value, str):
        raise ValueError(f"must be a number, a word or true/false, not {shown(value)}")
    if not value.strip():
        raise ValueError("must not be empty")
    if not value.isprintable():
        raise ValueError(f"must be printable text on one line, not {shown(value)}")
    return value


def number(value: object, name: str = "") -> int | float:
    """The value itself if it is a finite number. Raises ValueError that begins with `name`."""
    must = f"{name} must".lstrip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{must} be a number, not {shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{must} be a finite number, not {value}")
    if isinstance(value, int) and abs(value) > LARGEST_INT:
        raise ValueError(f"{must} be a number between -2**53 and 2**53, not {shown(value)}")
    return value


def parse_scalar(text: str) -> Scalar:
    """The value that a piece of the command line stands for: `4`, `1e-3`, `true`, `select`,
    `"4"` (a word). Raises ValueError with one clause."""
    text = text.strip()
    if text[:1] in ('"', "'"):
        return checked(_unquoted(text))
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text) and len(text) < 40:
        return checked(int(text))
    return checked(float(text) if _FLOAT.fullmatch(text) else text)


def plain_scalar(value: Scalar) -> str:
    """The value as TOML and the command line write it, words bare: `0.1`, `true`, `select`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def quoted(text: str) -> str:
    """A basic string of TOML, which JSON reads too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def shown(value: object) -> str:
    """Any value as an error message shows it: on one line, words in quotes, long ones cut."""
    text = _message(value)
    return text if len(text) <= _CLIP else text[: _CLIP - 3] + "..."


def _message(value: object, depth: int = 0) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > 10**_CLIP:
        return "a number of more than 60 digits"
    if isinstance(value, dict | list | tuple) and depth > _DEEP:
        return "..."
    if isinstance(value, dict):
        fields = (f"{_key(key)} = {_message(item, depth + 1)}" for key, item in value.items())
        return f"{{ {', '.join(fields)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_message(item, depth + 1) for item in value)}]"
    return repr(value) if isinstance(value, str | int | float) else str(value)


def _key(key: object) -> str:
    return key if isinstance(key, str) and key.isidentifier() else repr(key)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError(f"the quote in {shown(text)} does not end") from None
    return str(value)
