"""One trial on the screen: its whole record, epoch by epoch.

Knows no database: it shows a row of a study's overview.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.present import score_in
from a3b_tune.cli.present_facts import STYLES
from a3b_tune.cli.present_text import score_lines
from a3b_tune.cli.printing import print_trim
from a3b_tune.cli.score import Score
from a3b_tune.study import show_setting

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview
    from a3b_tune.results.trials import TrialRow

# More epochs than this are thinned out.
MOST_EPOCHS = 30
# What is told beside the bits of an evaluation, where it was measured.
BESIDE_BITS = ("excess", "bits_all")
# Characters of a curve at most, and of what stands left and right of it.
CURVE, BESIDE = 60, 32


def print_trial(
    console: Console, overview: "StudyOverview", row: "TrialRow", *, samples: bool = False
) -> None:
    """Prints a trial: how it ended, its settings, where it ran, what was measured.

    :param samples: of a trial on text, all its samples instead of the last.
    """
    parts: list[RenderableType] = [_head(overview, row), _settings(overview, row), _run(row)]
    if row.epochs:
        parts += [
            _epochs(row, score_in(overview)),
            _curves(row, score_in(overview), console),
        ]
    if overview.file.is_text or row.scores:
        parts += _text(overview, row, samples)
    for index, part in enumerate(parts):
        if index:
            console.print()
        print_trim(console, part)


def _head(overview: "StudyOverview", row: "TrialRow") -> Text:
    text = Text.assemble((f"trial {row.number}", "bold"), f" of {overview.name}: ")
    text.append(row.state, style=STYLES[row.state])
    if row.value is not None:
        score = score_in(overview)
        value, moment = score.value(row.value, short=True), score.at(row.best_epoch)
        preposition = "at" if score.every else "in"
        text.append(f", best {score.metric.name} {value} {preposition} {moment}")
    if place := _place(overview, row):
        text.append(f", {place}")
    if row.reason:
        text.append(f"\n{row.reason}")
    if row.lost:
        text.append("\nits worker is gone; going on with the study runs it again")
    if row.interruptions:
        text.append(f"\ninterrupted: {'; '.join(row.interruptions)}")
    if row.resumed is not None:
        text.append(f"\nwent on from its checkpoint after {score_in(overview).at(row.resumed)}")
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


def _epochs(row: "TrialRow", score: Score) -> Table:
    """A row per epoch; of many, an even choice that holds the best one."""
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    beside = [name for name in BESIDE_BITS if all(name in epoch for epoch in row.epochs)]
    values = [score.metric.name, *(name.replace("_", " ") for name in beside)]
    for head in (score.unit, "loss", *values, "gradient norm", "rate", "seconds"):
        table.add_column(Text(head), justify="right", no_wrap=True)
    for epoch in _thinned(row.epochs, row.best_epoch):
        style = "bold" if epoch["epoch"] == row.best_epoch else ""
        table.add_row(*map(Text, _cells(epoch, score, beside)), style=style)
    return table


def _cells(epoch: dict[str, Any], score: Score, beside: Sequence[str]) -> list[str]:
    return [
        str(score.moment(epoch["epoch"])),
        f"{epoch['loss']:.4f}",
        score.value(epoch[score.metric.name]),
        *(score.value(epoch[name]) for name in beside),
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


def _curves(row: "TrialRow", score: Score, console: Console) -> Table:
    width = min(CURVE, console.width - BESIDE)
    ascii_only = console.options.ascii_only
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(style="cyan", no_wrap=True)
    places_of_value = 4 if score.every else score.digits
    for name, places in ((score.metric.name, places_of_value), ("loss", 4)):
        values = [epoch[name] for epoch in row.epochs]
        line = figures.sparkline(values, width, ascii_only=ascii_only)
        grid.add_row(name, line, f"{values[0]:.{places}f} to {values[-1]:.{places}f}")
    return grid


def _text(overview: "StudyOverview", row: "TrialRow", samples: bool) -> Iterator[RenderableType]:
    """What was measured at the end, and the sample that was written last, or all of them."""
    lines = list(score_lines(row.scores))
    if lines:
        yield Group(*lines)
    score, length = score_in(overview), overview.file.samples.seed_length
    written = [epoch for epoch in row.epochs if epoch.get("sample")]
    for epoch in written if samples else written[-1:]:
        heading = Text(f"sample at {score.at(epoch['epoch'])}", style="bold")
        yield Group(heading, sampled(epoch["sample"], length))
    if len(written) > 1 and not samples:
        yield Text(f"{len(written) - 1} earlier samples: the same with --samples", style="dim")


def sampled(text: str, seed_length: int) -> Text:
    """A text that a model wrote, the seed that it was given dimmed."""
    return Text.assemble((text[:seed_length], "dim"), text[seed_length:])
