"""A run as a person sees it: one live picture on a terminal, plain lines elsewhere.

Knows how things look, not what they mean: `progress.py` keeps the state.
"""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from a3b_tune.cli.figures import accuracy, duration, sparkline
from a3b_tune.cli.progress import Progress, Running
from a3b_tune.tuning.loop import (
    EpochDone,
    Event,
    LostFound,
    TrialEnded,
    TrialStarted,
    WorkerDied,
)

# Digits of an accuracy: enough for one row in 25 000 not to be shown as perfect.
DIGITS = 5
# Seconds between two plain lines about the same trial.
PLAIN_INTERVAL = 10.0
MARKS = {"complete": "✓", "pruned": "✂", "failed": "✗", "put back": "↩"}
STYLES = {"complete": "green", "pruned": "yellow", "failed": "red", "put back": "cyan"}


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


def brief(params: Mapping[str, Any]) -> str:
    """Settings in few characters: `heads 4 · lr 0.0032`."""
    return " · ".join(
        f"{name.rpartition('.')[2]} {_short(value)}" for name, value in params.items()
    )


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def ended_line(event: TrialEnded, params: Mapping[str, Any]) -> Text:
    """One ended trial: number, outcome, value, reason, settings."""
    value = "       " if event.value is None else accuracy(event.value, DIGITS)
    line = Text.assemble(
        (f"{MARKS[event.state]} ", STYLES[event.state]), f"trial {event.number:<4} {value}  "
    )
    if event.reason:
        line.append(f"{event.reason}  ", style=STYLES[event.state])
    line.append(brief(params), style="dim")
    return line


def notice(event: Event) -> str | None:
    """What must be said in words: trials found lost, settings that are run again."""
    match event:
        case LostFound():
            numbers = ", ".join(map(str, event.numbers))
            return f"trials of a run that died go on: {numbers}"
        case WorkerDied():
            then = "another one takes its place" if event.replaced else "the others go on"
            return f"worker {event.pid} {event.how}; {then}"
        case TrialStarted() if event.repeats is not None:
            return (
                f"trial {event.number} runs the settings of trial "
                f"{event.repeats} again with a new seed: no new ones were drawn"
            )
    return None


class PlainDisplay:
    """A line when a trial ends, and one every ten seconds while a long one runs."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._told = time.monotonic()

    def __call__(self, event: Event) -> None:
        params = self._params(event)
        self._progress.take(event)
        if text := notice(event):
            self.say(text)
        if isinstance(event, TrialEnded):
            line = ended_line(event, params)
            self._tell(Text.assemble(self._head(), line))
        elif isinstance(event, EpochDone) and time.monotonic() - self._told > PLAIN_INTERVAL:
            number = event.number
            trial = self._progress.running[number]
            self._tell(Text(f"{self._head()}  trial {number:<4} {_where(trial)}"))

    def _params(self, event: Event) -> Mapping[str, Any]:
        number = getattr(event, "number", None)
        running = self._progress.running.get(number) if number is not None else None
        return running.params if running else {}

    def _head(self) -> str:
        left = self._progress.seconds_left
        time_left = "" if left is None else f" {duration(left)} left"
        return f"[{self._progress.ended}/{self._progress.trials}{time_left}] "

    def _tell(self, line: Text) -> None:
        self._told = time.monotonic()
        self._console.print(line, soft_wrap=True, highlight=False)

    def say(self, text: str) -> None:
        self._tell(Text(text))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


def _where(trial: Running) -> str:
    return f"{accuracy(trial.curve[-1], DIGITS)} after epoch {len(trial.curve)} of {trial.epochs}"


class LiveDisplay:
    """One picture that is drawn anew four times a second, above it a line per ended trial."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._live = Live(
            console=console, get_renderable=self._picture, refresh_per_second=4, transient=True
        )

    def __call__(self, event: Event) -> None:
        number = getattr(event, "number", -1)
        params = self._progress.running[number].params if number in self._progress.running else {}
        self._progress.take(event)
        if text := notice(event):
            self.say(text)
        if isinstance(event, TrialEnded):
            line = ended_line(event, params)
            line.truncate(self._console.width, overflow="ellipsis")
            self._console.print(line, highlight=False)

    def say(self, text: str) -> None:
        self._console.print(Text(text, style="cyan"))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def _picture(self) -> RenderableType:
        rows: list[RenderableType] = [Text(), self._head(), self._counts()]
        if best := self._progress.best:
            where = (
                f"best {accuracy(best.value, DIGITS)}  trial {best.number}, epoch {best.epoch}  "
            )
            rows.append(self._cut(Text.assemble((where, "bold green"), brief(best.params))))
        rows.extend(self._trial(number, run) for number, run in self._progress.running.items())
        return Group(*rows)

    def _head(self) -> RenderableType:
        state = self._progress
        gone = duration(time.monotonic() - state.started)
        left = state.seconds_left
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True)
        bar = ProgressBar(total=max(1, state.trials), completed=state.ended)
        time_left = "" if left is None else f", about {duration(left)} left"
        grid.add_row(Text(state.title, style="bold"), bar, f"{gone} gone{time_left}")
        return grid

    def _counts(self) -> Text:
        state = self._progress
        text = Text(f"{state.ended} of {state.trials} trials done")
        for name in ("complete", "pruned", "failed"):
            if count := state.counts.get(name, 0):
                text.append(f" · {count} {name}", style=STYLES[name])
        text.append(f" · {len(state.running)} running")
        return text

    def _trial(self, number: int, trial: Running) -> Text:
        text = Text(f"trial {number}  ")
        if trial.curve:
            text.append(f"{accuracy(trial.curve[-1], DIGITS)} ")
            text.append(sparkline(trial.curve[-30:]), style="cyan")
            text.append(f" epoch {min(len(trial.curve) + 1, trial.epochs)}/{trial.epochs}  ")
        else:
            text.append(f"epoch 1, {duration(time.monotonic() - trial.began)}  ")
        text.append(brief(trial.params), style="dim")
        return self._cut(text)

    def _cut(self, text: Text) -> Text:
        text.truncate(self._console.width, overflow="ellipsis")
        return text
