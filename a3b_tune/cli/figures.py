"""A number, a moment or a curve as a person reads it.

Knows nothing of studies; everything here is text in, or numbers in, and text out.
"""

from collections.abc import Sequence
from datetime import datetime
from math import ceil, log10

BLOCKS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉"
ASCII_LEVELS = "_.-=+*#@"


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


def age(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago: `just now`, `5 min ago`, `3 h ago`, `12 days ago`."""
    if moment is None:
        return "-"
    seconds = ((now or datetime.now().astimezone()) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h ago"
    return f"{seconds // 86400:.0f} days ago"


def sparkline(values: Sequence[float], width: int = 40, *, ascii_only: bool = False) -> str:
    """A curve in one line of text, from its lowest to its highest value; a flat one stays low. More
    values than `width` are thinned out evenly, first and last kept."""
    if not values:
        return ""
    if len(values) > width:
        last = len(values) - 1
        values = [values[round(index * last / (width - 1))] for index in range(width)]
    levels = ASCII_LEVELS if ascii_only else BLOCKS
    low, high = min(values), max(values)
    scale = (len(levels) - 1) / (high - low) if high > low else 0.0
    return "".join(levels[round((value - low) * scale)] for value in values)


def bar(share: float, width: int, *, ascii_only: bool = False) -> str:
    """A bar for a share in [0, 1] of `width` characters, to an eighth of one."""
    if ascii_only:
        return "#" * round(share * width)
    whole, eighths = divmod(round(share * width * 8), 8)
    return ("█" * whole + EIGHTHS[eighths]).rstrip()


def duration(seconds: float) -> str:
    """`9 s`, `2:05`, `1:02:05`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
