"""A study on the screen: what was tried, the best settings, the ceiling, and what to type next.

Looks the same at 80 columns and in a pipe, where it has no colours; no number is ever cut. Knows no
database: it shows an overview.
"""

import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.figures import duration, sparkline
from a3b_tune.cli.printing import print_trim, print_whole
from a3b_tune.cli.ranking import ranking_table
from a3b_tune.study import show_setting

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview

__all__ = ["print_study", "sparkline"]

STYLES = {
    "complete": "green",
    "pruned": "yellow",
    "failed": "red",
    "running": "cyan",
    "waiting": "cyan",
}
DEFAULT_TOP = 5
BAR = 40
# With fewer trials importances change much from one study to the next.
FEW = 50


def print_study(
    console: Console,
    overview: "StudyOverview",
    *,
    top: int = DEFAULT_TOP,
    storage_asked: bool = False,
    go_on: str | None = None,
) -> None:
    """Prints a study.

    :param top: how many of the best trials.
    :param storage_asked: the storage came from an option, so the commands shown need it too.
    :param go_on: the command that adds trials, where it is known.
    """
    parts = [
        _titled(overview.name, _question(overview)),
        facts(overview),
        best_settings(overview),
        top_trials(overview, top, console.width),
        deciders(overview, console.options.ascii_only),
    ]
    for part in parts:
        if part is None:
            continue
        print_trim(console, part)
        console.print()
    for line in next_steps(overview, storage_asked, go_on):
        print_whole(console, line)


def _titled(heading: str, body: RenderableType | None) -> RenderableType:
    return Group(Text(heading, style="bold"), *([body] if body else []))


def _question(overview: "StudyOverview") -> Text | None:
    question = overview.file.study.question
    return Text(question, style="italic") if question else None


def facts(overview: "StudyOverview") -> Table:
    """Trials, time, data and fixed settings, a label and a text each."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in _facts(overview):
        grid.add_row(label, text)
    return grid


def _facts(overview: "StudyOverview") -> Iterator[tuple[str, Text]]:
    yield "trials", _counts(overview)
    for text in _reasons(overview):
        yield "", text
    if overview.lost:
        numbers = figures.numbers(overview.lost)
        yield "", Text(f"the worker of trial {numbers} is gone; going on runs it again")
    if overview.repeats:
        numbers = figures.numbers(list(overview.repeats))
        yield "", Text(f"settings of an earlier trial, with a new seed: trial {numbers}")
    if overview.started:
        yield "time", _time(overview)
    yield "data", _data(overview)
    if overview.file.fixed():
        yield "fixed", Text(_fixed(overview), style="dim")


def _reasons(overview: "StudyOverview") -> Iterator[Text]:
    """Pruned trials by kind, in one line; of others each reason with its trials."""
    pruned = [reason for reason in overview.reasons if reason.state == "pruned"]
    if pruned:
        told = ", ".join(f"{len(reason.numbers)} {reason.text}" for reason in pruned)
        yield Text.assemble(("pruned: ", STYLES["pruned"]), told)
    for reason in overview.reasons:
        if reason.state != "pruned":
            numbers = figures.numbers(reason.numbers)
            style = STYLES[reason.state]
            yield Text.assemble((f"{reason.state}: ", style), f"{reason.text} (trial {numbers})")


def _fixed(overview: "StudyOverview") -> str:
    """`model full_attention, positions none; optimizer adam, …`"""
    sections: dict[str, list[str]] = {}
    for name, value in overview.file.fixed().items():
        section, _, key = name.rpartition(".")
        told = figures.setting(value)
        sections.setdefault(section, []).append(told if key == "name" else f"{key} {told}")
    return "; ".join(f"{section} {', '.join(told)}" for section, told in sections.items())


def _counts(overview: "StudyOverview") -> Text:
    text = Text(f"{figures.grouped(overview.ended)} of {figures.grouped(overview.asked)} done")
    told = [(state, number) for state, number in overview.counts.items() if number]
    for index, (state, number) in enumerate(told):
        text.append(", " if index else ": ")
        text.append(f"{figures.grouped(number)} {state}", style=STYLES[state])
    return text


def _time(overview: "StudyOverview") -> Text:
    shares = [f"{name} {share:.0%}" for name, share in overview.shares().items()]
    text = Text(f"{duration(sum(overview.seconds.values()))} of work")
    if shares:
        text.append(f": {', '.join(shares)}")
    started = overview.started or datetime.now().astimezone()
    text.append(f"; begun {started:%Y-%m-%d %H:%M}, last trial {figures.age(overview.last)}")
    return text


def _data(overview: "StudyOverview") -> Text:
    data = overview.data
    rows = f"{figures.grouped(data['train'])} training, "
    rows += f"{figures.grouped(data['validation'])} validation rows"
    classes = ", ".join(map(str, data["classes"]))
    words = figures.grouped(data["vocabulary"])
    return Text(f"{data['name']}: {rows}; vocabulary {words}; classes {classes}")


def best_settings(overview: "StudyOverview") -> RenderableType:
    """The best trial's searched settings beside what they were drawn from, and the ceiling."""
    table = Table(box=None, padding=(0, 0, 0, 2), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    params = overview.best.params if overview.best else {}
    for name, setting in overview.file.searched().items():
        value = figures.setting(params[name]) if name in params else "-"
        table.add_row(name, Text(value), Text(f"from {show_setting(setting)}"))
    return Group(*_best_lines(overview), table)


def _best_lines(overview: "StudyOverview") -> Iterator[Text]:
    digits = digits_of(overview)
    best = overview.best
    if best is None:
        yield Text("No trial is complete yet", style="bold")
    else:
        value = figures.accuracy(best.value, digits, short=True)
        place = f"trial {best.number}, epoch {best.best_epoch}"
        if epochs := best.settings.get("training.epochs"):
            place += f" of {epochs}"
        yield Text.assemble((f"Best: {value}", "bold green"), f" validation accuracy, {place}")
        if equals := sum(row.value == best.value for row in overview.ranking) - 1:
            yield Text(f"{figures.count(equals, 'other trial')} reached it too", style="dim")
    if overview.ceiling is not None:
        yield ceiling_line(overview)


def ceiling_line(overview: "StudyOverview") -> Text:
    """Where the best trial stands against what theory says, and why theory says so."""
    ceiling, best = overview.ceiling, overview.best
    assert ceiling is not None
    digits = digits_of(overview)
    value = figures.accuracy(ceiling.value, digits, short=True)
    if best is None or best.value is None:
        return Text(f"The ceiling is {value}: {ceiling.why}")
    gap = best.value - ceiling.value
    off = figures.accuracy(abs(gap), digits, short=True)
    match overview.standing:
        case "below":
            return Text(f"{off} below the ceiling of {value}: {ceiling.why}")
        case "above":
            told = f"{off} above the ceiling of {value}: theory and measurement disagree. Theory: "
            return Text.assemble((told, "bold red"), ceiling.why)
    lucky = f", give or take {figures.accuracy(ceiling.margin, digits)}" if off != "0.0" else ""
    return Text.assemble((f"{value} is the ceiling{lucky}: ", "green"), ceiling.why)


def digits_of(overview: "StudyOverview") -> int:
    """Digits that tell the study's accuracies apart."""
    return figures.accuracy_digits(overview.data["validation"])


def top_trials(overview: "StudyOverview", top: int, width: int) -> RenderableType | None:
    """The `top` best trials; nothing where none is complete."""
    trials = overview.ranking[:top]
    if not trials:
        return None
    heading = f"Top {len(trials)} of {figures.grouped(len(overview.ranking))} complete"
    names = list(overview.file.searched())
    return _titled(heading, ranking_table(trials, names, digits_of(overview), width))


def deciders(overview: "StudyOverview", ascii_only: bool) -> RenderableType:
    """The importances as bars, or why there are none."""
    found = overview.importances
    if found.reason:
        return Text.assemble(("What decided: ", "bold"), f"cannot be said, {found.reason}")
    table = Table(box=None, padding=(0, 0, 0, 2), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for name, share in found.shares.items():
        table.add_row(name, figures.bar(share, BAR, ascii_only=ascii_only), f"{share:.0%}")
    heading = f"What set the best {found.top} of {figures.count(found.trials, 'trial')} apart"
    if found.trials < FEW:
        heading += " (so few trials say it roughly)"
    return _titled(heading, table)


def next_steps(overview: "StudyOverview", storage_asked: bool, go_on: str | None) -> Iterator[Text]:
    """Where the study is kept, and commands that fit now."""
    where = f" --storage {shlex.quote(overview.storage)}" if storage_asked else ""
    name = shlex.quote(overview.name)
    steps = [("kept in", Text(overview.storage))]
    if overview.best is not None:
        command = f"a3b-tune show {name} --trial {overview.best.number}{where}"
        steps.append(("best trial, by epoch", Text(command, style="cyan")))
    if overview.trials:
        out = shlex.quote(f"{overview.name}.csv")
        command = f"a3b-tune export {name} --out {out}{where}"
        steps.append(("every trial, a table", Text(command, style="cyan")))
    if go_on is not None:
        steps.append(("more trials", Text(f"{go_on}{where}", style="cyan")))
    for purpose, text in steps:
        yield Text.assemble((f"{purpose:22}", "dim"), text)
