"""A comparison of studies on the screen: who found more for the same, and the best settings.

Knows no database: it shows a comparison.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.printing import print_trim, print_whole
from a3b_tune.cli.score import Score
from a3b_tune.results.report.comparison import budget, different_settings, sentence, share
from a3b_tune.results.report.text import told

if TYPE_CHECKING:
    from a3b_tune.results.comparing import Comparison, Equal
    from a3b_tune.results.overview import StudyOverview

GAP = 2
HOW = (
    "expected: the best of so many trials on average [95 % interval]; a stopped trial counts with "
    "what it had reached; as it ran: the best complete trial that had ended by then"
)


def print_comparison(console: Console, found: "Comparison", score: Score) -> None:
    """Prints a comparison."""
    for equal in found.equals:
        print_trim(console, _equal(equal, score))
        console.print()
    for part in _settings(found.studies, score, console.width):
        print_trim(console, part)
    console.print()
    for equal in found.equals:
        print_whole(console, Text(told(sentence(equal, score.value)), style="bold"))
    for warning in found.warnings:
        print_whole(console, Text(f"Note: {warning}", style="yellow"))
    print_trim(console, Text(HOW, style="dim"))


def _equal(equal: "Equal", score: Score) -> RenderableType:
    table = _table("", f"expected {score.metric.name}", "P(best)", "as it ran", "by trial")
    for level in equal.levels:
        interval = f"[{score.value(level.low)}, {score.value(level.high)}]"
        table.add_row(
            Text(level.study),
            Text(f"{score.value(level.best)} {interval}"),
            Text(share(level.first)),
            Text(score.value(level.ran)),
            Text("-" if level.trial is None else str(level.trial)),
            style="bold" if level is equal.winner else "",
        )
    return Group(Text(f"For {budget(equal)} each", style="bold"), table)


def _settings(
    studies: Sequence["StudyOverview"], score: Score, width: int
) -> Iterator[RenderableType]:
    """A column for each study, as many side by side as fit."""
    yield Text("Best settings, where they differ", style="bold")
    names = different_settings(studies)
    columns = [_column(study, names, score) for study in studies]
    heads = _heads(studies, names, score)
    left = max(map(len, heads)) + GAP
    rest = list(columns)
    while rest:
        widths = list(accumulate(max(map(len, column)) + GAP for column in rest))
        fits = max(1, sum(left + needed <= width for needed in widths))
        table = _table(*(column[0] for column in [heads, *rest[:fits]]))
        for line in zip(heads[1:], *(column[1:] for column in rest[:fits]), strict=True):
            if set(line[1:]) != {"-"}:
                table.add_row(*map(Text, line))
        yield table
        rest = rest[fits:]


def _heads(studies: Sequence["StudyOverview"], names: Sequence[str], score: Score) -> list[str]:
    limit = "ceiling" if any(study.ceiling for study in studies) else "floor"
    return ["", "trial", score.metric.name, limit, "confirmed", *names]


def _column(study: "StudyOverview", names: Sequence[str], score: Score) -> list[str]:
    best, limit = study.best, study.ceiling or study.floor
    settings = {} if best is None else best.settings
    return [
        study.name,
        "-" if best is None else str(best.number),
        score.value(None if best is None else best.value),
        score.value(None if limit is None else limit.value),
        _confirmed(study, score),
        *(_setting(settings.get(name)) for name in names),
    ]


def _setting(value: object) -> str:
    return "-" if value is None else figures.setting(value, 4)


def _confirmed(study: "StudyOverview", score: Score) -> str:
    if study.confirmation is None:
        return "-"
    row = study.confirmation["rows"][0]
    return f"{score.value(row['mean'])} ± {_half(row['half'], score)}"


def _half(half: float | None, score: Score) -> str:
    return "?" if half is None else f"{half:.{len(score.value(0.5).partition('.')[2])}f}"


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 0, 0, GAP), pad_edge=True, header_style="dim")
    table.add_column(Text(heads[0]), overflow="fold")
    for head in heads[1:]:
        table.add_column(Text(head), justify="right", no_wrap=True)
    return table
