"""A trial that was run again, on the screen: settings, data and curve, and what differs.

Knows no database and no learner: it shows a verdict.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.printing import print_whole
from a3b_tune.cli.score import Score

if TYPE_CHECKING:
    from a3b_tune.finals.rerunning import Verdict

YES, NO, NEARLY = "agree", "DIFFER", "nearly agree"
STYLES = {YES: "bold green", NO: "bold red", NEARLY: "bold yellow"}


def print_verdict(console: Console, study: str, verdict: "Verdict", score: Score) -> None:
    """Prints whether a trial came out again."""
    heading = f"Trial {verdict.number} of {study}, run again"
    print_whole(console, Text(heading, style="bold"))
    for line in _lines(verdict, score):
        print_whole(console, line)
    for difference in verdict.differences:
        then, now = difference.then, difference.now
        print_whole(console, Text(f"  not as then: {difference.what}: {then}, now {now}"))
    print_whole(console, Text(_conclusion(verdict), style="bold"))


def _lines(verdict: "Verdict", score: Score) -> Iterator[Text]:
    yield _line("settings", NO if verdict.faults else YES)
    for fault in verdict.faults:
        yield Text(f"    {fault}")
    if verdict.data is not None:
        then, now = verdict.data.then[:16], verdict.data.now[:16]
        yield _line("data", NO, f"its hash was {then}…, now it is {now}…")
        yield Text("  curve      was not trained again on other data")
        return
    yield _line("data", YES)
    yield _line("curve", *_curve(verdict, score))
    for gap in verdict.gaps:
        told = f"{gap.name}: by {gap.size:.3g} in {score.at(gap.epoch)}"
        yield Text(f"    {told} ({gap.then:.9g} then, {gap.now:.9g} now)")
    if verdict.ending is not None:
        yield Text(f"    the end: {verdict.ending.then} then, {verdict.ending.now} now")


def _line(what: str, word: str, told: str = "") -> Text:
    return Text.assemble(f"  {what:<10} ", (word, STYLES[word]), f": {told}" if told else "")


def _curve(verdict: "Verdict", score: Score) -> tuple[str, str]:
    unit = "evaluation" if score.every else "epoch"
    told = f"{figures.count(verdict.epochs, unit)} of {verdict.recorded}"
    near = verdict.ending is None and verdict.near
    word = YES if verdict.exact else NEARLY if near else NO
    return word, f"{told}, bit for bit" if verdict.exact else told


def _conclusion(verdict: "Verdict") -> str:
    if verdict.agrees and verdict.exact:
        return "It agrees: settings, data and every number of the curve"
    if verdict.agrees:
        gap = 0.0 if verdict.gap is None else verdict.gap.size
        return f"It agrees but for rounding: {verdict.metric} differs by {gap:.2g} at most"
    if verdict.faults:
        return "It does not agree: the record contradicts its study"
    if verdict.data is not None:
        return "It does not agree: the data is another"
    if not verdict.differences:
        return "It does not agree, though versions, device and company are as they were"
    return "It does not agree; what is not as then may be why"
