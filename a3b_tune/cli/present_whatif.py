"""Replays of a study on the screen: what each pruner would have cost, and what it would have found.

Knows no database and no pruner: it shows replays.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.printing import print_trim, print_whole
from a3b_tune.cli.score import Score, score_of

if TYPE_CHECKING:
    from a3b_tune.results.replay import Limit
    from a3b_tune.results.what_if import Replays, WhatIf

# Replays of the study's own pruner that differ in more trials than this share are guesses.
SURE = 0.9
ONE = (
    "One study is one draw of its trials: what finds the same here may not find it with others; "
    "the more is pruned, the more hangs on luck"
)


def print_replays(console: Console, found: "Replays", command: str | None) -> None:
    """Prints replays.

    :param command: what to type for the next study, with a better pruner.
    """
    study = found.study
    score = score_of(study.file, study.data["validation"])
    heading = f"{study.name}, replayed on the curves of {figures.count(found.trials, 'trial')}"
    print_trim(console, Group(Text(heading, style="bold"), _table(found, score)))
    console.print()
    for line in _sentences(found, score, command):
        print_whole(console, line)


def _table(found: "Replays", score: Score) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=True, header_style="dim")
    rounds = "evaluations" if score.every else "epochs"
    table.add_column(Text("pruner"), overflow="fold")
    heads = [rounds, "share", "of time", "winner", score.metric.name, "regret"]
    for head in [*heads, *(["unknown"] if unknown(found) else [])]:
        table.add_column(Text(head), justify="right", no_wrap=True)
    table.add_row(
        "as it ran", figures.grouped(found.epochs), "100%", "100%", str(found.winner),
        score.value(found.value),
    )  # fmt: skip
    for each in found.others:
        cells = _cells(each, score)[: len(table.columns)]
        table.add_row(*map(Text, cells), style=_style(each, found))
    return table


def unknown(found: "Replays") -> bool:
    """Whether there are trials that could not be followed."""
    return any(each.unknown for each in found.others)


def _style(each: "WhatIf", found: "Replays") -> str:
    return "bold green" if each is found.better else "" if each.regret == 0.0 else "dim"


def _cells(each: "WhatIf", score: Score) -> list[str]:
    regret = "-" if each.regret is None else f"{each.regret:.{_digits(score)}f}"
    return [
        _name(each),
        _range(each.epochs, each.most_epochs),
        _percent(each.share, each.most_share),
        _percent(each.time_share, each.most_time_share),
        "-" if each.winner is None else str(each.winner),
        score.value(each.value),
        regret,
        str(each.unknown) if each.unknown else "",
    ]


def _digits(score: Score) -> int:
    return len(score.value(0.5).partition(".")[2])


def _name(each: "WhatIf") -> str:
    told = _limit(each.limit)
    return f"{each.pruner}, {told}" if told else each.pruner


def _limit(limit: "Limit") -> str:
    if limit.trials is not None:
        return figures.count(limit.trials, "trial")
    return "" if limit.seconds is None else f"{limit.seconds:g} s"


def _range(least: int, most: int) -> str:
    if least == most:
        return figures.grouped(least)
    return f"{figures.grouped(least)}–{figures.grouped(most)}"


def _percent(least: float, most: float) -> str:
    low, high = f"{least:.0%}", f"{most:.0%}"
    return low if low == high else f"{low[:-1]}–{high}"


def _sentences(found: "Replays", score: Score, command: str | None) -> Iterator[Text]:
    yield Text(_trust(found))
    if unknown(found):
        yield Text(
            "unknown: trials that were pruned when the study ran, before this pruner would have "
            "ended them; costs run from where their curves end to their last epoch, and any of "
            "them might have won",
            style="dim",
        )
    better = found.better
    if better is None:
        yield Text("None of these finds the same for less than the study took", style="bold")
    else:
        took = _percent(better.share, better.most_share)
        yield Text(f"{_name(better)} finds the same value for {took} of the epochs", style="bold")
    yield Text(ONE, style="dim")
    if command is not None:
        yield Text("For the next study:", style="dim")
        yield Text(f"  {command}")


def _trust(found: "Replays") -> str:
    """How exact replays are, by that of the pruner that the study had."""
    own, all_of = found.own, found.trials
    name = own.pruner.partition(":")[0]
    if own.alike == all_of:
        return f"Replayed, the study's own pruner ({name}) ends every trial where it ended"
    told = f"{own.alike} of {figures.count(all_of, 'trial')}"
    word = "" if own.alike >= SURE * all_of else "; stacks and several workers make replays inexact"
    return f"Replayed, the study's own pruner ({name}) ends {told} where they ended{word}"
