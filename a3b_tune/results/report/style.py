"""One look for all plots, whatever draws them: colours, marks and dashes.

The colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008): people with any of
the common kinds of colour blindness tell them apart, on white and on black. Their black is a gray
here, for what stands behind. Knows no library that draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from a3b_tune.results.report.blocks import Plot, Series

# Groups of a plot's series, for who wants to say which colour is which.
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, YELLOW, GRAY = range(8)
COLORS = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00"),
    *("#CC79A7", "#56B4E9", "#F0E442", "#8A8F98"),
)
# In the words of Plotly and of matplotlib.
MARKS = (
    *(("circle", "o"), ("x", "X"), ("square", "s"), ("triangle-up", "^")),
    *(("diamond", "D"), ("cross", "P"), ("triangle-down", "v"), ("circle", "o")),
)
DASHES = (("solid", "-"), ("dash", "--"), ("dot", ":"), ("dashdot", "-."))
LEVEL_DASHES = (*DASHES[1:], DASHES[0])
LEVEL = "#7A808A"
TEXT, LINE = "#1A1D21", "#DDE0E6"
# Names of more letters are easier to read below each other than turned beside each other.
WIDE = 24
# A logarithmic axis that goes further than this is told by powers of ten alone.
FAR = 50


@dataclass(frozen=True)
class Look:
    """How one series is drawn; `mark` and `dash` in the words of Plotly and of matplotlib. What
    stands `behind` is thin and pale."""

    color: str
    mark: tuple[str, str]
    dash: tuple[str, str]
    behind: bool


def looks(plot: Plot) -> list[Look]:
    """A look for each series: that of its group, or the next free one. The seventh of these has the
    first colour again and another dash."""
    found, free = [], 0
    for series in plot.series:
        group = series.group
        if group is None:
            # Yellow is hard to see on white, and gray is for what is asked to stand behind.
            group, free = free % YELLOW + len(COLORS) * (free // YELLOW), free + 1
        place, again = group % len(COLORS), group // len(COLORS)
        dash = DASHES[again % len(DASHES)]
        found.append(Look(COLORS[place], MARKS[place], dash, place == GRAY))
    return found


def categories(plot: Plot) -> list[str] | None:
    """The names along a plot's x axis, each once, or None where it has numbers."""
    if not any(isinstance(x, str) for series in plot.series for x in series.xs):
        return None
    return list(dict.fromkeys(str(x) for series in plot.series for x in series.xs))


def lying(names: Sequence[str] | None) -> bool:
    """Whether bars lie, so that there is room for their names."""
    return names is not None and sum(map(len, names)) > WIDE


def level_name(name: str, level: float) -> str:
    """A level as the legend tells it: `ceiling 0.7522`."""
    return f"{name} {level:.4g}"


def banded(series: Series) -> bool:
    """Whether an interval is a band around a line; around names or a single number it is
    whiskers around a mark."""
    numbers = not any(isinstance(x, str) for x in series.xs)
    return series.kind == "interval" and numbers and len(series.xs) > 1
