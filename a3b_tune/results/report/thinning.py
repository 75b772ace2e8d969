"""A plot without what nobody could see: marks under marks, and points in the middle of a line.

What stands out stays: the first, the last, the highest and the lowest, and every mark that was the
best when it came. Knows no study and no library that draws.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isfinite, log10, nan
from typing import Any

from a3b_tune.results.report.blocks import Plot, Series

# Marks in a plot that a browser draws at once; more of them cover each other.
MARKS = 2000
# Points of a line: more than a screen has columns.
POINTS = 1000
FINEST = 256
# Multiplies numbers into an order that looks like none (Knuth's multiplicative hash).
SPREAD = 2_654_435_761


def drawn(plot: Plot) -> tuple[Plot, str]:
    """The plot with what is to be drawn, and in words what is not (empty where all is)."""
    finite = [_finite(series, plot) for series in plot.series]
    told = []
    lost = sum(len(own.xs) - len(left.xs) for own, left in zip(plot.series, finite, strict=True))
    if lost:
        told.append(f"{lost} without a place on these axes are left out")
    clouds = [series for series in finite if series.kind == "points"]
    cells = _grid(plot, clouds)
    thin = [_thin(series, plot, cells) for series in finite]
    before = sum(len(series.xs) for series in clouds)
    after = sum(len(series.xs) for series in thin if series.kind == "points")
    if after < before:
        told.append(f"{after} of {before} marks are drawn, the others lie close to them")
    return replace(plot, series=thin), "; ".join(told)


def _finite(series: Series, plot: Plot) -> Series:
    """Without what has no place on the axes; a line has a gap there."""
    fits = [
        _fits(x, log=plot.log_x) and _fits(y, log=plot.log_y)
        for x, y in zip(series.xs, series.ys, strict=True)
    ]
    if all(fits):
        return series
    if series.kind in ("line", "step") and all(_fits(x, log=plot.log_x) for x in series.xs):
        ys = [y if fit else nan for y, fit in zip(series.ys, fits, strict=True)]
        return replace(series, ys=ys)
    return _only(series, [at for at, fit in enumerate(fits) if fit])


def _fits(value: float | str, *, log: bool) -> bool:
    return isinstance(value, str) or (isfinite(value) and (value > 0 or not log))


def _thin(series: Series, plot: Plot, cells: int | None) -> Series:
    if series.kind == "points":
        return series if cells is None else _only(series, _marks(series, plot, cells))
    if series.kind == "step":
        series = _only(series, _corners(series.ys))
    if series.kind == "bar" or len(series.xs) <= POINTS:
        return series
    return _only(series, _shape(series.ys))


def _only(series: Series, places: Iterable[int]) -> Series:
    kept = list(places)
    columns = {name: getattr(series, name) for name in ("xs", "ys", "low", "high", "names")}
    left: Any = {name: [values[at] for at in kept] for name, values in columns.items() if values}
    return replace(series, **left)


def _grid(plot: Plot, clouds: Sequence[Series]) -> int | None:
    """Into how many cells the y axis is cut so that a mark for each is not too many; None where all
    marks are few enough."""
    if sum(len(series.xs) for series in clouds) <= MARKS:
        return None
    cells = FINEST
    while cells > 8 and sum(len(_marks(one, plot, cells)) for one in clouds) > MARKS:
        cells = cells * 3 // 4
    return cells


def _marks(series: Series, plot: Plot, cells: int) -> list[int]:
    """One mark of each cell, and those that stand out."""
    columns = _cells(series.xs, 2 * cells, log=plot.log_x)
    rows = _cells(series.ys, cells, log=plot.log_y)
    # Any one of a cell, but not always its leftmost: that would make stripes.
    order = sorted(range(len(series.xs)), key=lambda at: at * SPREAD % 2**32)
    chosen = {(columns[at], rows[at]): at for at in order}
    return sorted({*chosen.values(), *_records(series)})


def _cells(values: Sequence[float | str], cells: int, *, log: bool) -> list[int | str]:
    places = [v if isinstance(v, str) else log10(v) if log else v for v in values]
    numbers = [place for place in places if not isinstance(place, str)]
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    scale = (cells - 1) / (high - low) if high > low else 0.0
    return [p if isinstance(p, str) else round((p - low) * scale) for p in places]


def _records(series: Series) -> set[int]:
    """Marks that were the highest or the lowest when they came, and the outermost ones."""
    found: set[int] = set()
    high = low = nan
    for at, y in enumerate(series.ys):
        if not y <= high:
            high = y
            found.add(at)
        if not y >= low:
            low = y
            found.add(at)
    xs = [x for x in series.xs if not isinstance(x, str)]
    if len(xs) == len(series.xs) and xs:
        found |= {xs.index(min(xs)), xs.index(max(xs))}
    return found


def _corners(ys: Sequence[float]) -> list[int]:
    """Where a step begins, and the end."""
    last = len(ys) - 1
    return [at for at, y in enumerate(ys) if at in (0, last) or y != ys[at - 1]]


def _shape(ys: Sequence[float]) -> list[int]:
    """Of each short piece of a line its lowest and highest point, and the ends."""
    length = 2 * len(ys) / POINTS
    kept = {0, len(ys) - 1}
    begins = [round(at * length) for at in range(POINTS // 2)]
    for begin, end in zip(begins, [*begins[1:], len(ys)], strict=True):
        piece = [at for at in range(begin, end) if isfinite(ys[at])]
        gap = next((at for at in range(begin, end) if not isfinite(ys[at])), None)
        kept |= set() if gap is None else {gap}
        if piece:
            kept |= {min(piece, key=ys.__getitem__), max(piece, key=ys.__getitem__)}
    return sorted(kept)
