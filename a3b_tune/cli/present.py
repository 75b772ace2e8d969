"""A study on the screen: what was tried, the best settings, the ceiling, and what to type next.

Looks the same at 80 columns and in a pipe, where it has no colours; no number is ever cut. Knows no
database: it shows an overview.
"""

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.figures import sparkline
from a3b_tune.cli.present_facts import facts
from a3b_tune.cli.present_text import best_words, floor_line, score_lines
from a3b_tune.cli.printing import print_trim, print_whole
from a3b_tune.cli.ranking import ranking_table
from a3b_tune.cli.score import Score, score_of
from a3b_tune.study import show_setting

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview

__all__ = ["print_study", "sparkline"]

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
        confirmed(overview, ascii_only=console.options.ascii_only),
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
    score, best = score_in(overview), overview.best
    if best is None:
        yield Text("No trial is complete yet", style="bold")
    else:
        value = score.value(best.value, short=True)
        place = f"trial {best.number}, {score.at(best.best_epoch)}"
        if whole := best.settings.get("training.steps" if score.every else "training.epochs"):
            place += f" of {whole}"
        yield Text.assemble((f"Best: {value}", "bold green"), f" {best_words(overview)}, {place}")
        if equals := sum(row.value == best.value for row in overview.ranking) - 1:
            yield Text(f"{figures.count(equals, 'other trial')} reached it too", style="dim")
        yield from score_lines(best.scores)
    if overview.ceiling is not None:
        yield ceiling_line(overview)
    if overview.floor is not None:
        yield floor_line(overview)


def ceiling_line(overview: "StudyOverview") -> Text:
    """Where the best trial stands against what theory says, and why theory says so."""
    ceiling, best = overview.ceiling, overview.best
    assert ceiling is not None
    digits = score_in(overview).digits
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


def score_in(overview: "StudyOverview") -> Score:
    """How the study's values are told."""
    return score_of(overview.file, overview.data["validation"])


def top_trials(overview: "StudyOverview", top: int, width: int) -> RenderableType | None:
    """The `top` best trials; nothing where none is complete."""
    trials = overview.ranking[:top]
    if not trials:
        return None
    heading = f"Top {len(trials)} of {figures.grouped(len(overview.ranking))} complete"
    names = list(overview.file.searched())
    return _titled(heading, ranking_table(trials, names, score_in(overview), width))


def confirmed(overview: "StudyOverview", *, ascii_only: bool = False) -> RenderableType | None:
    """What came out when the best settings were trained again; nothing where they were not."""
    if overview.confirmation is None:
        return None
    from a3b_tune.cli.present_confirm import confirmation, sentences
    from a3b_tune.finals.verdict import Verdict

    told, score = Verdict.from_json(overview.confirmation), score_in(overview)
    body = confirmation(overview.name, told, score, ascii_only=ascii_only)
    return Group(body, Text(), *sentences(overview.name, told, score))


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
        steps.append((f"best trial, by {score_in(overview).unit}", Text(command, style="cyan")))
        if len(overview.ranking) > 1 and overview.confirmation is None:
            command = f"a3b-tune confirm {name}{where}"
            steps.append(("prove it by new seeds", Text(command, style="cyan")))
        command = f"a3b-tune train {name} --final{where}"
        steps.append(("its model, for good", Text(command, style="cyan")))
        if overview.file.is_text:
            command = f"a3b-tune sample {name}{where}"
            steps.append(("let its model write", Text(command, style="cyan")))
    if overview.trials:
        out = shlex.quote(f"{overview.name}.csv")
        command = f"a3b-tune export {name} --out {out}{where}"
        steps.append(("every trial, a table", Text(command, style="cyan")))
    if go_on is not None:
        steps.append(("more trials", Text(f"{go_on}{where}", style="cyan")))
    for purpose, text in steps:
        yield Text.assemble((f"{purpose:22}", "dim"), text)
