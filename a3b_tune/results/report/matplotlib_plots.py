"""Plots as matplotlib draws them, for paper and for pages without scripts.

The only file of the reports that needs matplotlib (`tuning/drawing.py` draws single curves while a
search runs). Knows no page.
"""

import io
import warnings
from typing import TYPE_CHECKING, Any

from a3b_tune.results.report.blocks import Plot, Series
from a3b_tune.results.report.style import (
    FAR,
    LEVEL,
    LEVEL_DASHES,
    LINE,
    TEXT,
    Look,
    banded,
    categories,
    level_name,
    looks,
    lying,
)
from a3b_tune.tuning.drawing import one_at_a_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

SIZE = (6.4, 3.4)
NARROW = (4.2, 3.2)
ENTRIES = {SIZE: 3, NARROW: 2}
# Text as outlines, so that it looks the same everywhere; the same plot is always the same file.
SETTINGS: Any = {
    "text.parse_math": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "a3b-tune",
    "axes.formatter.useoffset": False,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "axes.edgecolor": "#8A8F98",
}


def svg(plot: Plot, *, narrow: bool = False) -> bytes:
    """A plot as SVG.

    :param narrow: it stands beside another one.
    :raises ImportError: matplotlib is not there.
    """
    return _saved(plot, narrow, format="svg", metadata={"Date": None, "Creator": None})


def png(plot: Plot, dpi: int = 150, colors: int | None = None) -> bytes:
    """A plot as PNG; with `colors` a smaller one of so many colours.

    :raises ImportError: matplotlib is not there.
    """
    whole = _saved(plot, narrow=False, format="png", dpi=dpi, metadata={"Software": None})
    return whole if colors is None else _fewer(whole, colors)


def _fewer(png: bytes, colors: int) -> bytes:
    from PIL import Image

    small = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(colors).save(small, "png", optimize=True)
    return small.getvalue()


def _saved(plot: Plot, narrow: bool, **how: Any) -> bytes:  # noqa: ANN401
    import matplotlib as mpl
    from matplotlib.figure import Figure

    content = io.BytesIO()
    with one_at_a_time, mpl.rc_context(SETTINGS), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.simplefilter("ignore")
        size = NARROW if narrow else SIZE
        names = categories(plot)
        high = size[1] if not lying(names) else max(size[1], 1.2 + 0.26 * len(names or ()))
        figure = Figure(figsize=(size[0], high), layout="constrained")
        _draw(figure, plot, ENTRIES[size])
        figure.savefig(content, **how)
    return content.getvalue()


def _draw(figure: "Figure", plot: Plot, entries: int) -> None:
    axes = figure.add_subplot()
    names = categories(plot)
    swap = lying(names)
    places = {name: at for at, name in enumerate(names or ())}
    shown: dict[tuple[str, Look], Any] = {}
    bars = [series for series in plot.series if series.kind == "bar"]
    for series, look in zip(plot.series, looks(plot), strict=True):
        xs = [places[x] if isinstance(x, str) else x for x in series.xs]
        if series.kind == "bar" and len(bars) > 1:
            xs = [x + 0.65 * ((bars.index(series) + 0.5) / len(bars) - 0.5) for x in xs]
        handle = _series(axes, series, xs, look, swap=swap, bars=len(bars))
        shown.setdefault((series.name, look), handle)
    labels = [name for name, _ in shown]
    handles = list(shown.values())
    for at, (name, level) in enumerate(plot.lines):
        line = axes.axvline if swap else axes.axhline
        dash = LEVEL_DASHES[at % len(LEVEL_DASHES)][1]
        handles.append(line(level, color=LEVEL, linestyle=dash, linewidth=1.2, zorder=1.5))
        labels.append(level_name(name, level))
    _axes(axes, plot, names, swap=swap)
    if len(handles) > 1:
        # matplotlib leaves names out that begin with an underscore.
        labels = [f"\u200b{label}" if label.startswith("_") else label for label in labels]
        where: Any = {"loc": "outside lower center", "ncols": min(entries, len(labels))}
        figure.legend(handles, labels, fontsize=8, frameon=False, **where)


def _series(
    axes: "Axes", series: Series, xs: list[float], look: Look, *, swap: bool, bars: int
) -> object:
    """Draws a series: what stands for it in the legend."""
    if series.kind == "bar":
        bar = axes.barh if swap else axes.bar
        return bar(xs, series.ys, 0.65 / bars, color=look.color)
    across, up = (series.ys, xs) if swap else (xs, series.ys)
    mark, color = look.mark[1], look.color
    if series.kind == "points" or (series.kind == "interval" and not banded(series)):
        how: Any = {"alpha": 0.8, "capsize": 3, "capthick": 1.2, "elinewidth": 1.2}
        if series.low:
            triples = zip(series.low, series.ys, series.high, strict=True)
            sides = [(max(y - low, 0), max(high - y, 0)) for low, y, high in triples]
            how["xerr" if swap else "yerr"] = list(zip(*sides, strict=True))
        size = 3 if look.behind else 4.5
        return axes.errorbar(across, up, fmt=mark, color=color, markersize=size, **how)
    if series.low:
        axes.fill_between(xs, series.low, series.high, color=color, alpha=0.2, linewidth=0)
    (line,) = axes.plot(
        across,
        up,
        color=color,
        linestyle=look.dash[1],
        linewidth=0.7 if look.behind else 1.5,
        alpha=0.45 if look.behind else 1,
        drawstyle="steps-post" if series.kind == "step" else "default",
        marker=mark if len(xs) == 1 else "",
        markersize=4,
    )
    return line


def _axes(axes: "Axes", plot: Plot, names: list[str] | None, *, swap: bool) -> None:
    own = {"label": plot.x_label, "scale": "log" if plot.log_x else "linear"}
    values = {"label": plot.y_label, "scale": "log" if plot.log_y else "linear"}
    x, y = (values, own) if swap else (own, values)
    axes.set(xlabel=x["label"], xscale=x["scale"], ylabel=y["label"], yscale=y["scale"])
    for axis, at in ((axes.xaxis, x), (axes.yaxis, y)):
        if at["scale"] == "log":
            _plain_numbers(axis)
    if names is None and not plot.log_x and _whole(plot):
        axes.locator_params("x", integer=True)
    if names is not None:
        (axes.yaxis if swap else axes.xaxis).set_ticks(range(len(names)), labels=names)
        (axes.set_ylim if swap else axes.set_xlim)(-0.6, len(names) - 0.4)
    if swap:
        # The first name stands on top.
        axes.invert_yaxis()
    axes.grid(visible=True, color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _whole(plot: Plot) -> bool:
    """Whether what runs along is counted, as epochs and trials are."""
    return all(float(x).is_integer() for series in plot.series for x in series.xs)


def _plain_numbers(axis: "Axis") -> None:
    """A logarithmic axis that says 0.001."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > FAR * low else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
