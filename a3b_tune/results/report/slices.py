"""Each searched setting alone: what value came out with what it was.

Knows no page.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from a3b_tune.results import figures
from a3b_tune.results.report.blocks import Block, Paragraph, Plot, Plots, Series
from a3b_tune.results.report.history import GROUPS, levels, source
from a3b_tune.results.report.style import VERMILLION
from a3b_tune.results.report.traced import Traced
from a3b_tune.study import Choices, Range, Scalar

if TYPE_CHECKING:
    from a3b_tune.results.trials import TrialRow

STATES = ("complete", "pruned")
# More marks than these cover each other above a few choices.
MARKS = 300


def slices(told: Traced) -> Iterator[Block]:
    """The blocks of the section."""
    panels = [
        plot
        for name, setting in _in_order(told)
        if (plot := by_setting(told, name, setting)) is not None
    ]
    if panels:
        caption = "Each trial's best value by one setting, whatever the others were"
        yield Plots(panels, caption)
    else:
        none = not told.overview.file.searched()
        yield Paragraph(
            ["No setting is searched." if none else "No trial has a value yet."], "note"
        )


def _in_order(told: Traced) -> list[tuple[str, Range | Choices]]:
    """Searched settings, those that mattered most first where that is known."""
    searched = told.overview.file.searched()
    shares = told.overview.importances.shares
    return sorted(searched.items(), key=lambda item: -shares.get(item[0], 0.0))


def by_setting(told: Traced, name: str, setting: Range | Choices) -> Plot | None:
    """Values over one setting; None where no trial with a value has it."""
    rows = [
        row
        for row in told.overview.trials
        if row.value is not None and name in row.params and row.state in STATES
    ]
    if not rows:
        return None
    named = isinstance(setting, Choices)
    if isinstance(setting, Choices):
        # The names along an axis stand as they first come.
        order = {choice: at for at, choice in enumerate(setting.choices)}
        rows.sort(key=lambda row: order.get(row.params[name], len(order)))
    many = named and len(rows) > MARKS
    series = _middles(told, rows, name) if many else _clouds(rows, name, named=named)
    if not series:
        return None
    shown = "The best, the median and the middle half of the complete trials for each choice of"
    return Plot(
        name,
        series,
        name,
        told.overview.file.metric.title,
        source(told, sorted(rows, key=lambda row: row.number)),
        f"{shown if many else 'The values of the trials over'} {name}.",
        levels(told),
        log_x=isinstance(setting, Range) and setting.log,
    )


def _clouds(rows: Sequence["TrialRow"], name: str, *, named: bool) -> list[Series]:
    """A mark for each trial, by how it ended."""
    found = []
    for state in STATES:
        own = [row for row in rows if row.state == state]
        if own:
            xs = [_place(row.params[name], named=named) for row in own]
            ys = [row.value for row in own if row.value is not None]
            names = [f"trial {row.number}" for row in own]
            found.append(Series(state, xs, ys, "points", names=names, group=GROUPS[state]))
    return found


def _middles(told: Traced, rows: Sequence["TrialRow"], name: str) -> list[Series]:
    """Of so many complete trials that marks would cover each other: median, quartiles, the best."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        if row.state == "complete" and row.value is not None:
            groups.setdefault(figures.setting(row.params[name]), []).append(row.value)
    if not groups:
        return []
    names = list(groups)
    parts = [np.quantile(values, (0.25, 0.5, 0.75)).tolist() for values in groups.values()]
    low, middle, high = (list(column) for column in zip(*parts, strict=True))
    metric = told.overview.file.metric
    best = [metric.best(values) or 0.0 for values in groups.values()]
    return [
        Series("complete, median and middle half", names, middle, "interval", low, high,
               group=GROUPS["complete"]),
        Series("best of them", names, best, "points", group=VERMILLION),
    ]  # fmt: skip


def _place(value: Scalar, *, named: bool) -> float | str:
    return figures.setting(value) if named or isinstance(value, str) else value
