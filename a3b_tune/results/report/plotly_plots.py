"""Plots as Plotly draws them in a browser.

The only file that needs plotly, and only for its script: a figure is plain data. Knows no page.
"""

from collections.abc import Sequence
from math import isfinite, log10
from typing import Any

from a3b_tune.results.report.blocks import Plot, Series
from a3b_tune.results.report.style import (
    COLORS,
    FAR,
    LEVEL,
    LEVEL_DASHES,
    Look,
    banded,
    categories,
    level_name,
    looks,
    lying,
)

Json = dict[str, Any]
DIGITS = 7
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
# Plotly fills these in itself: no text of a study becomes part of a template.
HOVER = "%{xaxis.title.text}: %{x}<br>%{yaxis.title.text}: %{y}"
# Pixels of a plot without its legend, and of a bar that lies.
HIGH, BAR = 350, 30


def script() -> str:
    """Plotly's own JavaScript.

    :raises ImportError: plotly is not there.
    """
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def figure(plot: Plot) -> Json:
    """`data` and `layout` of a plot, and how `high` it is without its legend. The colours of text
    and lines are the page's."""
    names = categories(plot)
    swap = lying(names)
    axes = [
        _axis(plot.x_label, [x for one in plot.series for x in one.xs], plot.log_x, names),
        _axis(plot.y_label, [y for one in plot.series for y in one.ys], plot.log_y),
    ]
    if swap:
        # The first name stands on top.
        axes[0]["autorange"] = "reversed"
        axes.reverse()
    levels = [_level(at, *line, swap=swap) for at, line in enumerate(plot.lines)]
    data: list[Json] = []
    told: set[tuple[str, Look]] = set()
    for series, look in zip(plot.series, looks(plot), strict=True):
        entry = (series.name, look)
        data += _traces(series, look, swap=swap, told=entry not in told)
        told.add(entry)
    layout = {
        "xaxis": axes[0],
        "yaxis": axes[1],
        "shapes": levels,
        "showlegend": len(told) + len(levels) > 1,
        "legend": {"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom"},
        "margin": {"l": 12, "r": 12, "t": 30, "b": 12},
        "font": {"family": FONT, "size": 13},
        "hovermode": "closest",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "separators": ".\u202f",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": LEVEL, "activecolor": COLORS[0]},
        "bargap": 0.35,
    }
    high = max(HIGH, 90 + BAR * len(names)) if names and swap else HIGH
    return {"data": data, "layout": layout, "high": high}


def _axis(
    label: str, values: Sequence[float | str], log: bool, names: Sequence[str] | None = None
) -> Json:
    title = {"text": _plain(label), "standoff": 10}
    axis: Json = {"title": title, "automargin": True, "ticks": "outside", "tickcolor": LEVEL}
    if names is not None:
        return axis | {"type": "category", "categoryarray": [_plain(name) for name in names]}
    axis |= {"type": "log" if log else "linear", "hoverformat": ".5~g"}
    seen = [value for value in values if not isinstance(value, str) and value > 0]
    if log and seen:
        steps = max(1, round(log10(max(seen) / min(seen)) / 5))
        far = max(seen) > FAR * min(seen)
        axis |= {"dtick": steps if far else "D2", "tickformat": "~g"}
    return axis


def _level(at: int, name: str, level: float, *, swap: bool) -> Json:
    """A line from edge to edge, with an entry in the legend."""
    along, across = ("y", "x") if swap else ("x", "y")
    return {
        "type": "line",
        "name": _plain(level_name(name, level)),
        "showlegend": True,
        "layer": "below",
        "line": {"color": LEVEL, "width": 1.5, "dash": LEVEL_DASHES[at % len(LEVEL_DASHES)][0]},
        f"{along}ref": "paper",
        f"{along}0": 0,
        f"{along}1": 1,
        f"{across}0": level,
        f"{across}1": level,
    }


def _traces(series: Series, look: Look, *, swap: bool, told: bool) -> list[Json]:
    xs = [_plain(x) if isinstance(x, str) else _short(x) for x in series.xs]
    ys = [_short(y) for y in series.ys]
    trace: Json = {
        "type": "scatter",
        "name": _plain(series.name),
        "legendgroup": _plain(f"{series.name} {look.color} {look.dash[0]}"),
        "showlegend": told,
        "hovertemplate": HOVER + "<extra></extra>",
    }
    if series.names:
        trace["customdata"] = [_plain(name) for name in series.names]
        trace["hovertemplate"] = "<b>%{customdata}</b><br>" + HOVER + "<extra></extra>"
    elif series.name:
        trace["hovertemplate"] = "<b>%{fullData.name}</b><br>" + HOVER + "<extra></extra>"
    trace |= _kind(series, look)
    trace |= {"y": xs, "x": ys} if swap else {"x": xs, "y": ys}
    if swap and series.kind == "bar":
        trace["orientation"] = "h"
    if not series.low:
        return [trace]
    if banded(series):
        return [_band(series, look, xs) | {"legendgroup": trace["legendgroup"]}, trace]
    return [trace | {"error_x" if swap else "error_y": _whiskers(series, look)}]


def _kind(series: Series, look: Look) -> Json:
    if series.kind == "bar":
        return {"type": "bar", "marker": {"color": look.color}}
    line = {"color": look.color, "width": 1 if look.behind else 2, "dash": look.dash[0]}
    if series.kind == "step":
        line["shape"] = "hv"
    marker = {"color": look.color, "symbol": look.mark[0], "size": 5 if look.behind else 7}
    marks = series.kind == "points" or (series.kind == "interval" and not banded(series))
    if marks:
        return {"mode": "markers", "marker": marker | {"opacity": 0.8}}
    alone = len(series.xs) == 1
    return {
        "mode": "lines+markers" if alone else "lines",
        "line": line,
        "opacity": 0.45 if look.behind else 1,
    } | ({"marker": marker} if alone else {})


def _band(series: Series, look: Look, xs: Sequence[object]) -> Json:
    """The area between low and high, around once."""
    around = [*series.low, *reversed(series.high)]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*xs, *reversed(xs)],
        "y": [_short(y) for y in around],
        "fill": "toself",
        "fillcolor": look.color,
        "opacity": 0.2,
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _whiskers(series: Series, look: Look) -> Json:
    triples = list(zip(series.low, series.ys, series.high, strict=True))
    return {
        "type": "data",
        "symmetric": False,
        "array": [_short(high - y) for _, y, high in triples],
        "arrayminus": [_short(y - low) for low, y, _ in triples],
        "color": look.color,
        "thickness": 1.5,
        "width": 5,
    }


def _short(value: float) -> float | int | None:
    """So many digits as can be seen; None is a gap."""
    if not isfinite(value):
        return None
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")


def _plain(text: str) -> str:
    """Text that Plotly, which knows some tags, shows as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
