"""A number, a moment or a curve as a person reads it on a screen.

Knows nothing of studies; everything here is text in, or numbers in, and text out.
"""

from collections.abc import Sequence
from datetime import datetime

from a3b_tune.results.figures import (
    accuracy,
    accuracy_digits,
    count,
    duration,
    grouped,
    numbers,
    setting,
    size,
)

__all__ = [
    "accuracy",
    "accuracy_digits",
    "age",
    "bar",
    "count",
    "duration",
    "grouped",
    "numbers",
    "setting",
    "size",
    "sparkline",
]

BLOCKS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉"
ASCII_LEVELS = "_.-=+*#@"


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
