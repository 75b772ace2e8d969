"""All studies of a storage on the screen, a line each.

Knows no database: it shows lines that were read before.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.printing import print_trim, print_whole
from a3b_tune.cli.score import Score
from a3b_tune.study import ACCURACY, METRICS

if TYPE_CHECKING:
    from a3b_tune.results.listing import StudyLine

# The column of what theory says can be reached.
LIMIT = "limit"
HEADS = ("study", "data", "model", "trials", "best", LIMIT, "last trial")
# What is left out, one after the other, where the screen is too narrow; `show` tells it all.
LESS = ("model", LIMIT, "data")
NUMBERS = ("best", LIMIT)
GAP = 2


def print_studies(console: Console, lines: Sequence["StudyLine"], where: str) -> None:
    """Prints the studies as a table, the one last worked on first, and where they are kept."""
    if not lines:
        text = f"no studies yet in {where}; begin one with: a3b-tune synth --trials 20"
        print_whole(console, Text(text))
        return
    cells = [_cells(line) for line in lines]
    limit = _limit(lines)
    heads = _fitting(cells, console.width, limit)
    table = Table(box=None, padding=(0, GAP, 0, 0), header_style="dim")
    for head in heads:
        side: Literal["left", "right"] = "right" if head in NUMBERS else "left"
        shown = limit if head == LIMIT else head
        table.add_column(Text(shown), justify=side, no_wrap=head != "study", overflow="fold")
    for row in cells:
        table.add_row(*(row[head] for head in heads))
    print_trim(console, table)
    console.print()
    kept = Text.assemble((f"{figures.count(len(lines), 'study', 'studies')} in ", "dim"), where)
    print_whole(console, kept)


def _limit(lines: Sequence["StudyLine"]) -> str:
    """What theory knows of these studies."""
    if all(line.floor is None for line in lines):
        return "ceiling"
    return "floor" if all(line.ceiling is None for line in lines) else "ceiling/floor"


def _fitting(cells: Sequence[Mapping[str, Text]], width: int, limit: str) -> list[str]:
    """As many columns as the screen is wide enough for."""
    heads = list(HEADS)
    for head in LESS:
        widths = [
            max(len(limit if name == LIMIT else name), *(row[name].cell_len for row in cells))
            for name in heads
        ]
        if sum(widths) + GAP * (len(widths) - 1) <= width:
            break
        heads.remove(head)
    return heads


def _cells(line: "StudyLine") -> dict[str, Text]:
    metric = METRICS.get(line.metric or "", ACCURACY)
    score = Score(metric, figures.accuracy_digits(line.validation))
    at_ceiling = line.best is not None and line.ceiling is not None and line.best >= line.ceiling
    best = score.value(line.best, short=True)
    if metric != ACCURACY and line.best is not None:
        best += f" {metric.name}"
    name = Text(line.name, style="bold")
    if line.problem:
        name.append(f" ({line.problem})", style="yellow")
    return {
        "study": name,
        "data": Text(line.data or "-"),
        "model": Text(", ".join(line.models) or "-"),
        "trials": _trials(line),
        "best": Text(best, style="green" if at_ceiling else ""),
        LIMIT: Text(score.value(line.ceiling or line.floor, short=True)),
        "last trial": Text(figures.age(line.last), style="dim"),
    }


def _trials(line: "StudyLine") -> Text:
    """`12 of 100, 1 running`."""
    total = sum(line.counts.values()) if line.asked is None else line.asked
    text = Text(f"{figures.grouped(line.ended)} of {figures.grouped(total)}")
    running = line.counts.get("running", 0) - line.lost
    if running:
        text.append(f", {running} running", style="cyan")
    if line.lost:
        text.append(f", {line.lost} lost", style="yellow")
    if failed := line.counts.get("failed", 0):
        text.append(f", {failed} failed", style="red")
    return text
