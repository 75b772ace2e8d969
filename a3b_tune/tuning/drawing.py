"""Curves as a picture, a panel for each.

The only file that needs matplotlib, but for one that draws the plots of reports
(`results/report/matplotlib_plots.py`). Knows no trial, no metric and no storage.
"""

import io
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, RED, GRAY, PALE = "#1f77b4", "#c0392b", "#8a8f98", "#aec7e8"
# It warns of a folder for its fonts that it cannot write, which nobody need know.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
# matplotlib is not made for several threads.
one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Panel:
    """One curve: `ys` over `xs`. `others` are further curves by name, `line` is a level with its
    name, `dot` a point to be seen with its name; `from_zero` lets the axis begin there, `log` tells
    small values apart where all are above 0."""

    heading: str
    xs: Sequence[float]
    ys: Sequence[float]
    name: str | None = None
    others: Sequence[tuple[str, Sequence[float], Sequence[float]]] = field(default=())
    line: tuple[str, float] | None = None
    dot: tuple[str, float, float] | None = None
    from_zero: bool = False
    log: bool = False
    dots: bool = True


def draw(panels: Sequence[Panel], title: str, axis: str) -> bytes:
    """The panels, two beside each other, as PNG.

    :param axis: what stands below them: `epoch` or `step`.
    :raises ImportError: matplotlib is not there.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with one_at_a_time:
        rows = (len(panels) + 1) // 2
        figure = Figure(figsize=(9, 3 * rows), dpi=110, layout="constrained")
        figure.suptitle(title, fontsize=13, fontweight="bold", parse_math=False)
        grid = figure.add_gridspec(rows, 2)
        # Of an odd number the first is as wide as two.
        odd = len(panels) % 2
        places = [grid[at // 2, at % 2] for at in range(2 * rows)]
        for place, panel in zip([grid[0, :], *places[2:]] if odd else places, panels, strict=True):
            axes = figure.add_subplot(place)
            _panel(axes, panel)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
            if place.rowspan.stop == rows:
                axes.set_xlabel(axis, fontsize=10)
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def _panel(place: "Axes", panel: Panel) -> None:
    marker = "o" if panel.dots else None
    for name, xs, ys in panel.others:
        place.plot(xs, ys, color=PALE, linewidth=1.4, label=name)
    place.plot(
        panel.xs,
        panel.ys,
        color=BLUE,
        marker=marker,
        markersize=3,
        linewidth=1.6,
        label=panel.name,
    )
    place.set_title(panel.heading, fontsize=11, loc="left")
    place.grid(visible=True, color="#e3e6ea", linewidth=0.8)
    place.set_axisbelow(True)
    place.spines[["top", "right"]].set_visible(False)
    place.tick_params(labelsize=9, colors="#444a52")
    if panel.log and all(isfinite(y) and y > 0 for y in panel.ys):
        _tell_apart(place)
    else:
        place.ticklabel_format(axis="y", useOffset=False)
    if panel.from_zero:
        place.set_ylim(bottom=0)
    if panel.line is not None:
        name, level = panel.line
        place.axhline(level, color=GRAY, linestyle="--", linewidth=1.2, label=name)
    if panel.dot is not None:
        name, x, y = panel.dot
        place.plot([x], [y], "o", color=RED, markersize=6, label=name)
    if place.get_legend_handles_labels()[0]:
        place.legend(fontsize=9, frameon=False, loc="best")


def _tell_apart(place: "Axes") -> None:
    """A logarithmic axis with plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    place.set_yscale("log")
    place.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    place.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    place.yaxis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True)
class Interval:
    """A mean with half of its interval, and beside it the value `said` before; `pale` where it is
    out of the race."""

    name: str
    mean: float
    half: float
    said: float
    pale: bool = False


def draw_intervals(rows: Sequence[Interval], title: str, axis: str) -> bytes:
    """Means with their intervals, the first one on top, as PNG.

    :raises ImportError: matplotlib is not there.
    """
    from matplotlib.figure import Figure

    with one_at_a_time:
        figure = Figure(figsize=(9, 1.5 + 0.45 * len(rows)), dpi=110, layout="constrained")
        figure.suptitle(title, fontsize=13, fontweight="bold", parse_math=False)
        axes = figure.add_subplot()
        for place, row in enumerate(rows):
            color = PALE if row.pale else BLUE
            axes.errorbar(row.mean, place, xerr=row.half, fmt="o", color=color, capsize=4)
        said = [row.said for row in rows]
        axes.plot(said, range(len(rows)), "D", color=RED, markersize=5, label="the search said")
        axes.set_yticks(range(len(rows)), [row.name for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(axis, fontsize=10)
        axes.ticklabel_format(axis="x", useOffset=False)
        axes.grid(visible=True, axis="x", color="#e3e6ea", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9, colors="#444a52")
        axes.legend(fontsize=9, frameon=False, loc="best")
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()
