"""A study's facts on the screen, a label and a text each: trials, time, speed, data, fixed values.

Knows no database: it shows an overview.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.figures import duration
from a3b_tune.cli.present_final import test_line

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview
    from a3b_tune.results.work import Work

STYLES = {
    "complete": "green",
    "pruned": "yellow",
    "failed": "red",
    "running": "cyan",
    "waiting": "cyan",
}


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
    if overview.work:
        yield "speed", _speed(overview.work)
    yield "data", _data(overview)
    for test in overview.tests:
        yield "test split", Text(f"scored {test_line(test)}")
    if overview.file.constant():
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
    for name, value in overview.file.constant().items():
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
    parts, work = overview.shares(), overview.work
    text = Text(f"{duration(sum(overview.seconds.values()))} of work")
    if work:
        parts = work.shares()
        processes = figures.count(work.workers, "process", "processes")
        text = Text(f"{duration(work.wall)} by {processes}")
    shares = [f"{name} {share:.0%}" for name, share in parts.items()]
    if shares:
        text.append(f": {', '.join(shares)}")
    started = overview.started or datetime.now().astimezone()
    text.append(f"; begun {started:%Y-%m-%d %H:%M}, last trial {figures.age(overview.last)}")
    return text


def _speed(work: "Work") -> Text:
    """How fast trials ended, and how full the stacks were."""
    told = []
    if work.trials_per_second is not None:
        told.append(f"{work.trials_per_second:.3g} trials per second")
    if work.slots_busy is not None:
        told.append(f"{work.slots_busy:.0%} of the stacks' slots busy")
    return Text("; ".join(told))


def _data(overview: "StudyOverview") -> Text:
    data = overview.data
    if overview.file.is_text:
        return _text(data)
    rows = f"{figures.grouped(data['train'])} training, "
    rows += f"{figures.grouped(data['validation'])} validation rows"
    classes = ", ".join(map(str, data["classes"]))
    words = figures.grouped(data["vocabulary"])
    return Text(f"{data['name']}: {rows}; vocabulary {words}; classes {classes}")


def _text(data: Mapping[str, Any]) -> Text:
    """`toy: 100 018 training, 20 017 validation, 20 011 test characters; alphabet 31`."""
    unit = f"{data.get('unit', 'token')}s"
    parts = [
        f"{figures.grouped(data[part])} {told}"
        for part, told in (("train", "training"), ("validation", "validation"), ("test", "test"))
        if part in data
    ]
    alphabet = figures.grouped(data["vocabulary"])
    return Text(f"{data['name']}: {', '.join(parts)} {unit}; alphabet {alphabet}")
