"""A run as a person sees it: one live picture on a terminal, plain lines elsewhere.

Knows where lines go, not what they say: `telling.py` writes them, `progress.py` keeps the state.
"""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.text import Text

from a3b_tune.cli.figures import duration
from a3b_tune.cli.live import LiveDisplay
from a3b_tune.cli.progress import Progress
from a3b_tune.cli.telling import Teller, where
from a3b_tune.tuning.events import EpochDone, Event

# Seconds without a line after which one says where the run is.
PLAIN_INTERVAL = 10.0
# With more running trials than this, the line is about the best of them.
FEW = 4


class Display(Protocol):
    """Shows events until it is left."""

    def __call__(self, event: Event) -> None: ...

    def say(self, text: str) -> None:
        """One line that stays."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_display(console: Console, progress: Progress) -> Display:
    """The live picture on a terminal, plain lines elsewhere."""
    return (
        LiveDisplay(console, progress) if console.is_terminal else PlainDisplay(console, progress)
    )


class PlainDisplay:
    """A line when a trial ends, and one every ten seconds while none does."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._teller = Teller(progress)
        self._told = time.monotonic()

    def __call__(self, event: Event) -> None:
        self._tell(*self._teller.hear(event))
        if isinstance(event, EpochDone) and time.monotonic() - self._told > PLAIN_INTERVAL:
            self._tell(Text(f" {self._standing(event.number)}"))

    def _standing(self, number: int) -> str:
        """How far the trial is, or, where many run, the best of them."""
        running, score = self._progress.running, self._progress.score
        if len(running) <= FEW:
            return f"trial {number:<4} {where(running[number], score)}"
        begun = [each for each in running.items() if each[1].curve]
        best, trial = max(begun, key=lambda each: score.metric.key(each[1].curve[-1]))
        return f"{len(running)} running, the best of them now trial {best}: {where(trial, score)}"

    def _head(self) -> str:
        left = self._progress.seconds_left
        time_left = "" if left is None else f" {duration(left)} left"
        return f"[{self._progress.ended}/{self._progress.trials}{time_left}] "

    def _tell(self, *lines: Text) -> None:
        for line in lines:
            self._print(Text.assemble(self._head(), line))

    def _print(self, line: Text) -> None:
        self._told = time.monotonic()
        self._console.print(line, soft_wrap=True, highlight=False)

    def say(self, text: str) -> None:
        self._print(Text(text))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tell(*self._teller.rest())
