"""A number as a person reads it, on a screen and in a report.

Knows nothing of studies; everything here is numbers in, and text out.
"""

from collections.abc import Sequence
from math import ceil, log10


def accuracy_digits(rows: int | None) -> int:
    """Digits that tell one row more from one row less: 5 for 25 000 rows, at least 4."""
    return 4 if not rows else max(4, ceil(log10(rows)))


def accuracy(value: float | None, digits: int = 4, *, short: bool = False) -> str:
    """An accuracy, `0.75216`; with `short` without zeros at its end, `1.0`. Never rounded up to 1:
    a model that gets one row wrong is not perfect."""
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    if value < 1.0 and float(text) == 1.0:
        text = "0." + "9" * digits
    whole, _, part = text.partition(".")
    return f"{whole}.{part.rstrip('0') or '0'}" if short else text


def setting(value: object, digits: int | None = 6) -> str:
    """A setting's value; floats to so many significant digits, or exactly with None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and digits is not None:
        return f"{value:.{digits}g}"
    return str(value)


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 trial`, `12 000 trials`, `2 studies`."""
    return f"{grouped(number)} {one if number == 1 else many or one + 's'}"


def grouped(number: int) -> str:
    """Thousands apart: `25 000`."""
    return f"{number:,}".replace(",", " ")


def numbers(found: Sequence[int], most: int = 8) -> str:
    """Trial numbers in a few words: `3, 5, 9` or `3, 5, 9 and 12 more`."""
    text = ", ".join(map(str, found[:most]))
    return text if len(found) <= most else f"{text} and {len(found) - most} more"


def size(amount: float) -> str:
    """Bytes in the unit that fits: `340 MB`, `7.6 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}" if unit != "bytes" else f"{amount:.0f} bytes"
        amount /= 1000
    return f"{amount:.3g} TB"


def duration(seconds: float) -> str:
    """`9 s`, `2:05`, `1:02:05`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
