"""How a search went: each trial's value by its number and by time, and the learning curves.

Knows no page, and thins nothing but whole curves.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from a3b_tune.results.report.blocks import Block, Inline, Paragraph, Plot, Plots, Series
from a3b_tune.results.report.style import BLUE, GRAY, GREEN, ORANGE, VERMILLION
from a3b_tune.results.report.traced import Traced, counted, unit_of

if TYPE_CHECKING:
    from a3b_tune.results.trials import TrialRow

# Curves that are named, and how many of the others stand behind them.
BEST, OTHERS = 10, 40
GROUPS = {"complete": BLUE, "pruned": ORANGE, "failed": VERMILLION, "running": GREEN}
# Behind, in gray, a state is told by its dash.
BEHIND = {"complete": GRAY, "pruned": GRAY + 8, "failed": GRAY + 16, "running": GRAY + 24}


def levels(told: Traced) -> list[tuple[str, float]]:
    """The ceiling or the floor, where theory knows it."""
    overview = told.overview
    found = [("ceiling", overview.ceiling.value)] if overview.ceiling else []
    return found + ([("floor", overview.floor.value)] if overview.floor else [])


def source(told: Traced, rows: Sequence["TrialRow"]) -> str:
    """`trials 0 to 59 of synth`."""
    if not rows:
        return f"study {told.name}"
    return f"trials {rows[0].number} to {rows[-1].number} of {told.name}"


def history(told: Traced) -> Iterator[Block]:
    """The blocks of the section on the course of the search."""
    known = [row for row in told.overview.trials if row.value is not None]
    if not known:
        yield Paragraph(["No trial has a value yet."], "note")
        return
    panels = [by_number(told, known)]
    if (timed := by_time(told, known)) is not None:
        panels.append(timed)
    yield Plots(panels, "Each trial's best value; the line is the best complete trial so far")
    nothing = sum(row.value is None and row.state in GROUPS for row in told.overview.trials)
    if nothing:
        number = told.study("trials without a value, counted", nothing)
        words: list[Inline] = [*counted(number, "trial"), " never came to a value, and so "]
        yield Paragraph([*words, "has no mark." if nothing == 1 else "have no mark."], "note")


def by_number(told: Traced, known: Sequence["TrialRow"]) -> Plot:
    """Every trial's best value over its number."""
    places = {row.number: float(row.number) for row in known}
    return _values(told, known, places, "By number", "trial")


def by_time(told: Traced, known: Sequence["TrialRow"]) -> Plot | None:
    """The same over the time at which each ended; None where only one has."""
    began = told.overview.started
    ended = [row for row in known if row.ended is not None]
    if began is None or len(ended) < 2:
        return None
    ended.sort(key=lambda row: (row.ended, row.number))
    spent = {row.number: (row.ended - began).total_seconds() for row in ended if row.ended}
    size, unit = unit_of(max(spent.values()))
    places = {number: seconds / size for number, seconds in spent.items()}
    return _values(told, ended, places, "By time", f"time since the first trial ({unit})")


def _values(
    told: Traced, rows: Sequence["TrialRow"], places: dict[int, float], title: str, label: str
) -> Plot:
    series = [_best_so_far(told, rows, places)]
    for state, group in GROUPS.items():
        own = [row for row in rows if row.state == state]
        if own:
            xs = [places[row.number] for row in own]
            ys = [row.value for row in own if row.value is not None]
            names = [f"trial {row.number}" for row in own]
            series.append(Series(state, xs, ys, "points", names=names, group=group))
    return Plot(
        title,
        [one for one in series if one.xs],
        label,
        told.overview.file.metric.title,
        source(told, sorted(rows, key=lambda row: row.number)),
        "Marks are trials, by how they ended; the line follows the best complete one.",
        levels(told),
    )


def _best_so_far(told: Traced, rows: Sequence["TrialRow"], places: dict[int, float]) -> Series:
    metric, best = told.overview.file.metric, None
    xs: list[float] = []
    ys: list[float] = []
    for row in rows:
        if row.state == "complete" and row.value is not None:
            best = row.value if best is None else metric.best([best, row.value])
        if best is not None:
            xs.append(places[row.number])
            ys.append(best)
    return Series("best so far", xs, ys, "step", group=BLUE)


def curves(told: Traced) -> Iterator[Block]:
    """The blocks of the section on learning curves."""
    measured = [row for row in told.overview.trials if row.epochs]
    if not measured:
        yield Paragraph(["No trial has ended an epoch yet."], "note")
        return
    best = [row for row in told.overview.ranking[:BEST] if row.epochs]
    chosen = {row.number for row in best}
    others = spread([row for row in measured if row.number not in chosen], OTHERS)
    yield Plots([learning(told, best, others)], "The best trials by name, others behind them")
    if best and len(best[0].epochs) > 1:
        yield Plots(training(told, best[0]), "How the best trial was trained")


def spread(rows: Sequence["TrialRow"], most: int) -> list["TrialRow"]:
    """So many of the trials, evenly over their numbers."""
    if len(rows) <= most:
        return list(rows)
    return [rows[at * len(rows) // most] for at in range(most)]


def learning(told: Traced, best: Sequence["TrialRow"], others: Iterable["TrialRow"]) -> Plot:
    """The metric over epochs, or of a text over steps; a pruned trial's curve ends where it did."""
    behind = [
        _curve(told, row, f"others, {row.state}", BEHIND.get(row.state, GRAY)) for row in others
    ]
    named = [_curve(told, row, f"trial {row.number}", None) for row in best]
    return Plot(
        "Learning curves",
        [*behind, *named],
        told.score.unit,
        told.overview.file.metric.title,
        f"the best trials of {told.name} and a sample of the others",
        "Each line is a trial; a pruned one ends where it was stopped.",
        levels(told),
    )


def _curve(told: Traced, row: "TrialRow", name: str, group: int | None) -> Series:
    values = [epoch[told.score.metric.name] for epoch in row.epochs]
    return Series(name, _steps(told, row), values, group=group)


def _steps(told: Traced, row: "TrialRow") -> list[int]:
    return [told.score.moment(epoch["epoch"]) for epoch in row.epochs]


def training(told: Traced, row: "TrialRow") -> list[Plot]:
    """Loss, gradient norm and learning rate of one trial; of a text at each look that was taken."""
    looks = [look for epoch in row.epochs for look in epoch.get("looks", ())]
    steps: Sequence[float] = [look[0] for look in looks] if looks else _steps(told, row)
    found = []
    names = (("loss", "training loss"), ("gradient_norm", "gradient norm"), ("lr", "learning rate"))
    for place, (key, title) in enumerate(names, 1):
        ys = [look[place] for look in looks] if looks else [epoch[key] for epoch in row.epochs]
        line = Series(title, steps, ys, group=BLUE)
        where = f"trial {row.number} of {told.name}"
        alt = f"The {title} of the best trial as it was trained."
        found.append(Plot(title.capitalize(), [line], told.score.unit, title, where, alt))
    return found
