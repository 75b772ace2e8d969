"""A trained model on the screen: how good it is, and what to do with it; and what a study's test
split was scored on before.

Knows no storage: it shows what it is given.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.present_text import score_lines
from a3b_tune.cli.printing import print_trim, print_whole
from a3b_tune.cli.score import BITS_DIGITS, Score
from a3b_tune.models.own import is_own

if TYPE_CHECKING:
    from a3b_tune.finals.told import Verdict
    from a3b_tune.finals.training import Chosen

TEST = "test"


@dataclass(frozen=True)
class Shown:
    """What is told of a model: it was `trained` on and `scored` on so many rows or tokens, each a
    `unit`; `sampled` says that its study left training rows out."""

    study: str
    folder: Path
    chosen: "Chosen"
    verdict: "Verdict"
    score: Score
    unit: str
    trained: int
    scored: int
    sampled: bool


def print_made(console: Console, shown: Shown) -> None:
    """What was trained on what, its score, and the folder."""
    print_trim(console, Text(_trained(shown)))
    print_trim(console, Text.assemble((_headline(shown), "bold green"), _beside(shown)))
    verdict = shown.verdict
    several = "the kept model: " if len(verdict.seeds) > 1 else ""
    for line in score_lines(verdict.seeds[0].scores or {}):
        print_trim(console, Text.assemble(several, line))
    if len(verdict.seeds) > 1:
        print_trim(console, _seeds(shown))
    folder = shlex.quote(str(shown.folder))
    writes = shown.unit != "row"
    use = f"a3b-tune sample {folder}" if writes else f'a3b-tune predict {folder} "…"'
    if is_own(str(shown.chosen.settings["model.name"])):
        use += " --own-code"
    console.print()
    for purpose, text in (("saved in", Text(str(shown.folder))), ("use it", Text(use, "cyan"))):
        print_whole(console, Text.assemble((f"{purpose:22}", "dim"), text))


def tested_before(study: str, tests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A warning where a study's test split is about to be scored once more."""
    if not tests:
        return
    told = "; ".join(f"{test_line(test)}" for test in tests[-3:])
    more = f" ({len(tests)} times in all)" if len(tests) > 3 else ""
    yield (
        f"the test set of study {study!r} was scored before: {told}{more}; choosing between models"
        " by it makes it a validation set"
    )


def test_line(test: Mapping[str, Any]) -> str:
    """`2026-11-20, trial 7: 0.8912`, with its interval where there were several seeds."""
    value = _figure(test.get("value"), str(test.get("metric")))
    half = test.get("half")
    spread = "" if half is None else f" ± {_figure(half, str(test.get('metric')))}"
    return f"{str(test.get('when'))[:10]}, trial {test.get('trial')}: {value}{spread}"


def _figure(value: object, metric: str) -> str:
    if not isinstance(value, float):
        return "-"
    return f"{value:.{BITS_DIGITS}f}" if metric == "bits" else figures.accuracy(value, 5)


def _trained(shown: Shown) -> str:
    chosen, verdict = shown.chosen, shown.verdict
    parts = "training and validation" if verdict.part == TEST else "training"
    if shown.sampled:
        parts = "a sample of the training, and all validation" if verdict.part == TEST else parts
    rows = figures.count(shown.trained, f"{parts} {shown.unit}")
    rounds = figures.count(shown.score.moment(chosen.rounds), shown.score.unit)
    return f"{shown.study}, trial {chosen.number}: {rounds} on {rows}, {_told(shown)}"


def _told(shown: Shown) -> str:
    seeds = shown.verdict.seeds
    return f"seed {seeds[0].seed}" if len(seeds) == 1 else f"{len(seeds)} seeds"


def _headline(shown: Shown) -> str:
    """`Test accuracy: 0.8912 ± 0.0011`: of several seeds their mean."""
    verdict, score = shown.verdict, shown.score
    what = f"{verdict.part.capitalize()} {score.metric.name}: "
    if verdict.mean is None:
        return what + score.value(verdict.value)
    mean, half = verdict.mean
    return what + f"{score.value(mean)} ± {half:.{len(score.value(mean)) - 2}f}"


def _beside(shown: Shown) -> str:
    verdict, score = shown.verdict, shown.score
    over = f", on {figures.count(shown.scored, shown.unit)}"
    if verdict.mean is not None:
        over += f", the mean of {len(verdict.values)} seeds with its 95 % interval"
    lost = len(verdict.seeds) - len(verdict.values)
    over += f" ({figures.count(lost, 'seed')} came to nothing)" if lost else ""
    return f"{over}; the search said {score.value(shown.chosen.value)} on validation"


def _seeds(shown: Shown) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2), show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    for place, one in enumerate(shown.verdict.seeds):
        fine = one.value is not None and isfinite(one.value)
        value = shown.score.value(one.value) if fine else "-"
        told = one.fault or ("its model is kept" if place == 0 else "")
        table.add_row(f"seed {one.seed}", value, Text(told, style="dim"))
    return table
