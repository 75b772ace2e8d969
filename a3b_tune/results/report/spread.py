"""Which settings decided, and how sure that is: importances over random halves of the trials.

Knows no page and not how an importance is worked out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from a3b_tune.results.importances import FEWEST, halved
from a3b_tune.results.report.blocks import (
    Block,
    Inline,
    Number,
    Paragraph,
    Plot,
    Plots,
    Series,
    Table,
)
from a3b_tune.results.report.style import BLUE, ORANGE
from a3b_tune.results.report.traced import Traced, counted

# Halves: so many, fewer of large studies, whose shares hardly move.
MOST, LEAST, TRIALS = 200, 20, 200_000
SEED = 0
# With fewer trials importances change much from one study to the next.
FEW = 50
LEVEL = Number("95 %", 0.95, "method: the interval's level")


@dataclass(frozen=True)
class Spread:
    """The mean share of a setting over halves, and the middle 95 % of them."""

    mean: float
    low: float
    high: float


def spreads(told: Traced, times: int) -> dict[str, Spread]:
    """Of each setting, over so many halves; the same for the same study."""
    overview = told.overview
    found = halved(overview.trials, overview.file, times, SEED)
    return {
        name: Spread(float(np.mean(shares)), *map(float, np.quantile(shares, (0.025, 0.975))))
        for name, shares in found.items()
    }


def halves(trials: int) -> int:
    """How many halves a study of so many trials gets; none where a half of them says nothing."""
    if trials < 2 * FEWEST:
        return 0
    return min(MOST, max(LEAST, TRIALS // max(1, trials)))


def importances(told: Traced) -> Iterator[Block]:
    """The blocks of the section."""
    found = told.overview.importances
    if found.reason:
        why = told.quoted("importances.reason", found.reason)
        yield Paragraph(["What decided cannot be said: ", *why, "."], "note")
        return
    times = halves(found.trials)
    around = spreads(told, times)
    yield Paragraph(_about(told, times), "plain")
    if found.trials < FEW:
        few = "With so few trials importances change much from one study to the next."
        yield Paragraph([few], "warning")
    yield _table(told, around)
    if around:
        yield Plots([_plot(told, around)])


def _about(told: Traced, times: int) -> list[Inline]:
    found = told.overview.importances
    top = told.study("importances.top", found.top)
    trials = counted(told.study("importances.trials", found.trials), "trial")
    about: list[Inline] = ["What sets the best ", top, " of ", *trials, " apart (PED-ANOVA)"]
    if not times:
        return [*about, ". There are too few of them to say how sure that is."]
    again = Number(str(times), times, f"method: halves of {told.name}, seed {SEED}")
    return [*about, ", as it is, and over ", again, " halves of the trials, drawn at random: the "
            "mean and the interval that holds ", LEVEL, " of them."]  # fmt: skip


def _table(told: Traced, around: Mapping[str, Spread]) -> Table:
    rows: list[list[list[Inline]]] = []
    for name, share in told.overview.importances.shares.items():
        own = around.get(name)
        cells: list[list[Inline]] = [
            [name],
            [told.study(f"importances.shares.{name}", share, _percent(share))],
        ]
        if own is None:
            rows.append([*cells, ["–"], ["–"]])
            continue
        path = f"importances.shares.{name}, over halves"
        ends: list[Inline] = [
            told.study(f"{path}, low", own.low, _percent(own.low), "worked out"),
            " to ",
            told.study(f"{path}, high", own.high, _percent(own.high), "worked out"),
        ]
        mean = told.study(f"{path}, mean", own.mean, _percent(own.mean), "worked out")
        rows.append([*cells, [mean], ends])
    heads = ["setting", "share", "mean of halves", "interval"]
    if not around:
        heads, rows = heads[:2], [row[:2] for row in rows]
    return Table(heads, rows, "What decided", [False, True, True, True][: len(heads)])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _plot(told: Traced, around: Mapping[str, Spread]) -> Plot:
    shares = told.overview.importances.shares
    names = [name for name in shares if name in around]
    own = [around[name] for name in names]
    whiskers = Series(
        "mean of halves",
        names,
        [one.mean for one in own],
        "interval",
        [one.low for one in own],
        [one.high for one in own],
        group=BLUE,
    )
    marks = Series("as it is", names, [shares[name] for name in names], "points", group=ORANGE)
    return Plot(
        "Importance",
        [whiskers, marks],
        "setting",
        "share",
        f"study {told.name}: importances.shares",
        "The share of each setting with its interval over halves, the largest first.",
    )
