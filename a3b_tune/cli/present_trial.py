"""One trial on the screen: its whole record, epoch by epoch.

Knows no database: it shows a row of a study's overview.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.present import digits_of
from a3b_tune.cli.present_facts import STYLES
from a3b_tune.cli.printing import print_trim
from a3b_tune.study import show_setting

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview
    from a3b_tune.results.trials import TrialRow

# More epochs than this are thinned out.
MOST_EPOCHS = 30
# Characters of a curve at most, and of what stands left and right of it.
CURVE, BESIDE = 60, 32


def print_trial(console: Console, overview: "StudyOverview", row: "TrialRow") -> None:
    """Prints a trial: how it ended, its settings, where it ran, what was measured."""
    parts: list[RenderableType] = [_head(overview, row), _settings(overview, row), _run(row)]
    if row.epochs:
        parts += [
            _epochs(row, digits_of(overview)),
            _curves(row, digits_of(overview), console),
        ]
    for index, part in enumerate(parts):
        if index:
            console.print()
        print_trim(console, part)


def _head(overview: "StudyOverview", row: "TrialRow") -> Text:
    text = Text.assemble((f"trial {row.number}", "bold"), f" of {overview.name}: ")
    text.append(row.state, style=STYLES[row.state])
    if row.value is not None:
        value = figures.accuracy(row.value, digits_of(overview), short=True)
        text.append(f", best accuracy {value} in epoch {row.best_epoch}")
    if place := _place(overview, row):
        text.append(f", {place}")
    if row.reason:
        text.append(f"\n{row.reason}")
    if row.lost:
        text.append("\nits worker is gone; going on with the study runs it again")
    if row.interruptions:
        text.append(f"\ninterrupted: {'; '.join(row.interruptions)}")
    if row.resumed is not None:
        text.append(f"\nwent on from its checkpoint after epoch {row.resumed}")
    if row.repeats is not None:
        text.append(f"\nthe settings of trial {row.repeats}, with another seed")
    return text


def _place(overview: "StudyOverview", row: "TrialRow") -> str | None:
    numbers = [ranked.number for ranked in overview.ranking]
    if row.number not in numbers:
        return None
    return f"place {numbers.index(row.number) + 1} of {len(numbers)}"


def _settings(overview: "StudyOverview", row: "TrialRow") -> Table:
    """Every setting; of the searched ones also what they were drawn from."""
    table = Table(box=None, padding=(0, 0, 0, 2), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    searched = overview.file.searched()
    for name, value in row.settings.items():
        drawn = f"from {show_setting(searched[name])}" if name in searched else ""
        style = "bold cyan" if name in searched else ""
        table.add_row(name, Text(figures.setting(value, None), style=style), Text(drawn))
    return table


def _run(row: "TrialRow") -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in _record(row):
        grid.add_row(label, Text(text))
    return grid


def _record(row: "TrialRow") -> Iterator[tuple[str, str]]:
    if row.seed is not None:
        yield "seed", str(row.seed)
    if row.started:
        yield "begun", f"{row.started:%Y-%m-%d %H:%M:%S}"
    if row.started and row.ended:
        yield "ended", f"{row.ended:%Y-%m-%d %H:%M:%S}"
    if row.device:
        yield "device", f"{row.device}, {figures.count(row.threads or 1, 'thread')}"
    if row.stack:
        yield "stack", "trained alone" if row.stack == 1 else f"one of up to {row.stack} trials"
    if row.versions:
        versions = [f"{name} {version}" for name, version in row.versions.items()]
        commit = f"; commit {row.commit}" if row.commit else ""
        yield "versions", ", ".join(versions) + commit
    if row.seconds:
        parts = [f"{name} {spent:.2f} s" for name, spent in row.seconds.items()]
        yield "time", ", ".join(parts)


def _epochs(row: "TrialRow", digits: int) -> Table:
    """A row per epoch; of many, an even choice that holds the best one."""
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    for head in ("epoch", "loss", "accuracy", "gradient norm", "rate", "seconds"):
        table.add_column(Text(head), justify="right", no_wrap=True)
    for epoch in _thinned(row.epochs, row.best_epoch):
        style = "bold" if epoch["epoch"] == row.best_epoch else ""
        table.add_row(*map(Text, _cells(epoch, digits)), style=style)
    return table


def _cells(epoch: dict[str, Any], digits: int) -> list[str]:
    return [
        str(epoch["epoch"]),
        f"{epoch['loss']:.4f}",
        figures.accuracy(epoch["accuracy"], digits),
        f"{epoch['gradient_norm']:.3g}",
        f"{epoch['lr']:.3g}",
        f"{epoch['seconds'] + epoch['evaluation_seconds']:.2f}",
    ]


def _thinned(epochs: Sequence[dict[str, Any]], best: int | None) -> list[dict[str, Any]]:
    last = len(epochs) - 1
    if last < MOST_EPOCHS:
        return list(epochs)
    kept = {round(index * last / (MOST_EPOCHS - 1)) for index in range(MOST_EPOCHS)}
    return [epoch for index, epoch in enumerate(epochs) if index in kept or epoch["epoch"] == best]


def _curves(row: "TrialRow", digits: int, console: Console) -> Table:
    width = min(CURVE, console.width - BESIDE)
    ascii_only = console.options.ascii_only
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(style="cyan", no_wrap=True)
    for name, places in (("accuracy", digits), ("loss", 4)):
        values = [epoch[name] for epoch in row.epochs]
        line = figures.sparkline(values, width, ascii_only=ascii_only)
        grid.add_row(name, line, f"{values[0]:.{places}f} to {values[-1]:.{places}f}")
    return grid
