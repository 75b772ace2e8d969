"""A training as a person sees it: one bar with how far it is and what was last measured, or lines
where there is no terminal.

Knows no model and no study.
"""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from a3b_tune.cli.score import Score
from a3b_tune.finals.training import Begun, Scoring, Told

# Seconds between two lines where there is no terminal.
PLAIN_INTERVAL = 10.0
DOING = {Begun: "training", Told: "training", Scoring: "scoring"}


class TrainingDisplay:
    """Hears of steps and rounds until it is left. Without a terminal the last round of each seed is
    told, and one every ten seconds.

    :param part: what is said of the rows that each round is scored on.
    """

    def __init__(
        self, console: Console, score: Score, rounds: int, seeds: Sequence[int], part: str
    ) -> None:
        self._console = console
        self._score = score
        self._rounds = rounds
        self._seeds = seeds
        self._part = part
        self._begun = Begun((), 1)
        self._done = self._steps = 0
        self._spoken = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[told]}", style="dim"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        total = rounds * len(seeds)
        self._task = self._progress.add_task("training", total=total, told="")

    def step(self) -> None:
        """One step of all that are trained together."""
        self._steps += 1
        share = min(1.0, self._steps / self._begun.steps)
        done = self._done + share * len(self._begun.seeds)
        self._progress.update(self._task, completed=done)

    def __call__(self, told: Begun | Told | Scoring) -> None:
        self._progress.update(self._task, description=DOING[type(told)])
        if isinstance(told, Begun):
            self._begun = told
        if not isinstance(told, Told):
            return
        self._done, self._steps = self._done + 1, 0
        line = self._line(told)
        self._progress.update(self._task, told=line, completed=self._done)
        if self._console.is_terminal:
            return
        waited = time.monotonic() - self._spoken > PLAIN_INTERVAL
        if waited or told.epoch.epoch == self._rounds:
            self.say(line)

    def _line(self, told: Told) -> str:
        epoch = told.epoch
        value = f"{self._score.metric.name} {self._score.value(epoch.value)}"
        line = f"{self._score.at(epoch.epoch)}, loss {epoch.loss:.4f}, {self._part} {value}"
        if len(self._seeds) == 1:
            return line
        return f"seed {self._seeds.index(told.seed) + 1} of {len(self._seeds)}, {line}"

    def say(self, text: str) -> None:
        self._spoken = time.monotonic()
        self._console.print(text, highlight=False, markup=False)

    def interrupted(self, reason: str) -> None:
        self.say(f"{reason}: nothing is written")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
