"""A confirmation while it runs: a bar on a terminal, plain lines elsewhere, and a line that stays
after each round of the race.

Knows nothing of how runs are trained.
"""

import time
from collections.abc import Sequence
from statistics import fmean
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from a3b_tune.cli.figures import count, grouped
from a3b_tune.cli.printing import visible
from a3b_tune.cli.score import Score
from a3b_tune.finals.confirming import Begun
from a3b_tune.finals.contest import Race
from a3b_tune.finals.processes import Told
from a3b_tune.finals.retraining import Moved

# Seconds without a line after which one says how far the round is.
PLAIN_INTERVAL = 10.0
# Settings that a line names, at most.
NAMED = 6


class ConfirmDisplay:
    """Hears what happens until it is left; before it is entered, it only says lines."""

    def __init__(self, console: Console, scores: Sequence[Score]) -> None:
        self._console = console
        self._scores = scores
        self._runs = self._ended = self._epochs = self._moved = 0
        self._dropped: list[set[int]] = [set() for _ in scores]
        self._reached = [0 for _ in scores]
        self._told = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[runs]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            expand=True,
        )
        self._task = self._bar.add_task("getting ready", total=None, runs="")

    def __call__(self, event: Begun | Told) -> None:
        if isinstance(event, Begun):
            self._begin(event)
        elif isinstance(event, Moved):
            self._moved += event.epochs
            self._bar.update(self._task, completed=self._moved)
        else:
            self._ended += len(event.outcomes)
            for outcome in event.outcomes:
                if outcome.fault:
                    self.say(f"trial {outcome.trial}, seed {outcome.seed}: {outcome.fault}")
            self._bar.update(self._task, runs=self._of_runs())
        self._stand()

    def say(self, text: str) -> None:
        """One line that stays."""
        self._told = time.monotonic()
        # Through the bar's console a line appears above it.
        self._console.print(visible(text), soft_wrap=True, highlight=False, markup=False)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def _begin(self, begun: Begun) -> None:
        for place, race in enumerate(begun.races):
            self._standing(place, race)
        self._runs, self._ended, self._epochs, self._moved = begun.runs, 0, begun.epochs, 0
        left = sum(len(race.left) for race in begun.races)
        seeds = max(race.reached for race in begun.races)
        what = f"{count(left, 'setting')} to {count(seeds, 'seed')}"
        self._bar.reset(self._task, total=begun.epochs, description=what, runs=self._of_runs())
        most = "" if begun.most == begun.runs else f" (at most {grouped(begun.most)} in all)"
        self.say(f"{what}: {count(begun.runs, 'run')}{most}")

    def _standing(self, place: int, race: Race) -> None:
        """What the round before came to, and who was dropped with it."""
        before, self._reached[place] = self._reached[place], race.reached
        if not before or before == race.reached:
            return
        score = self._scores[place]
        means = {w.trial: fmean(r.value for r in race.runs(w.trial)) for w in race.left}
        order = sorted(means, key=lambda trial: -race.metric.key(means[trial]))[:NAMED]
        told = ", ".join(f"trial {trial} {score.value(means[trial])}" for trial in order)
        lost = sorted(set(race.dropped) - self._dropped[place])
        self._dropped[place] |= set(lost)
        out = f"; clearly behind: trial {', '.join(map(str, lost))}" if lost else ""
        self.say(f"after {before} seeds {told}{out}")

    def _of_runs(self) -> str:
        return f"{self._ended} of {self._runs} runs"

    def _stand(self) -> None:
        """Where nothing is painted, a line now and then."""
        if not self._console.is_terminal and time.monotonic() - self._told > PLAIN_INTERVAL:
            share = self._moved / max(1, self._epochs)
            self.say(f" {self._of_runs()}, {share:.0%} of their epochs")
