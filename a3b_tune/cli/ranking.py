"""The best trials side by side: a row each, or, where the settings are too many, a column each.

Knows how wide the screen is and cuts nothing to fit it.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.score import Score

if TYPE_CHECKING:
    from a3b_tune.results.trials import TrialRow

GAP = 2


def ranking_table(
    trials: Sequence["TrialRow"], names: Sequence[str], score: Score, width: int
) -> RenderableType:
    """The trials with the settings `names`, in at most `width` columns of text."""
    heads = ["trial", score.metric.name, score.unit, *short_names(names)]
    cells = [_cells(row, names, score) for row in trials]
    for shown in (heads, [head.replace("_", "_\n") for head in heads]):
        if _needed([shown, *cells]) <= width:
            return _upright(shown, cells)
    return Group(*_turned(heads, cells, width))


def short_names(names: Sequence[str]) -> list[str]:
    """`model.heads` as `heads`, `model.name` as `model`; whole where two would be the same."""
    short = [
        section if key == "name" else key
        for section, _, key in (name.rpartition(".") for name in names)
    ]
    return [
        each if short.count(each) == 1 else name for each, name in zip(short, names, strict=True)
    ]


def _cells(row: "TrialRow", names: Sequence[str], score: Score) -> list[str]:
    settings = [
        figures.setting(row.params[name], 4) if name in row.params else "-" for name in names
    ]
    moment = "-" if row.best_epoch is None else str(score.moment(row.best_epoch))
    return [str(row.number), score.value(row.value), moment, *settings]


def _needed(lines: Sequence[Sequence[str]]) -> int:
    """Characters from the left edge to the right one."""
    widths = [
        max(len(part) for cell in column for part in cell.split("\n"))
        for column in zip(*lines, strict=True)
    ]
    return sum(widths) + GAP * len(widths)


def _upright(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, padding=(0, 0, 0, GAP), pad_edge=True, header_style="dim")
    for head, column in zip(heads, zip(*cells, strict=True), strict=True):
        table.add_column(Text(head), justify=_side(column), no_wrap=True, vertical="bottom")
    for index, line in enumerate(cells):
        table.add_row(*map(Text, line), style="bold" if index == 0 else "")
    return table


def _side(column: Sequence[str]) -> Literal["left", "right"]:
    """Numbers stand right, words left."""
    return "right" if all(cell[0] in "-0123456789" for cell in column) else "left"


def _turned(
    heads: Sequence[str], cells: Sequence[Sequence[str]], width: int
) -> Iterator[RenderableType]:
    """Blocks of as many trials as fit, one below the other."""
    rest = list(cells)
    while rest:
        fits = 1
        while (
            fits < len(rest) and _needed(list(zip(heads, *rest[: fits + 1], strict=True))) <= width
        ):
            fits += 1
        if len(rest) < len(cells):
            yield Text()
        yield _block(heads, rest[:fits], bold=len(rest) == len(cells))
        rest = rest[fits:]


def _block(heads: Sequence[str], cells: Sequence[Sequence[str]], bold: bool) -> Table:
    table = Table(box=None, padding=(0, 0, 0, GAP), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    for index in range(len(cells)):
        table.add_column(justify="right", style="bold" if bold and index == 0 else "", no_wrap=True)
    for line in zip(heads, *cells, strict=True):
        table.add_row(*map(Text, line))
    return table
