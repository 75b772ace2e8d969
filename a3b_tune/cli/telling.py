"""What is said of a run in lines that stay: a line per ended trial, and one about many where trials
end faster than a person reads.

Knows no screen.
"""

import time
from collections.abc import Mapping
from typing import Any

from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.progress import Progress, Running
from a3b_tune.cli.score import Score
from a3b_tune.tuning.events import (
    Event,
    LostFound,
    StorageBack,
    StorageGone,
    TrialEnded,
    TrialStarted,
    Waiting,
    Warned,
    WorkerDied,
)

MARKS = {"complete": "✓", "pruned": "✂", "failed": "✗", "put back": "↩"}
STYLES = {"complete": "green", "pruned": "yellow", "failed": "red", "put back": "cyan"}
# Where more trials than this end within so many seconds, the others are told together.
MOST_LINES, WINDOW = 30, 10.0


def brief(params: Mapping[str, Any]) -> str:
    """Settings in few characters: `heads 4 · lr 0.0032`."""
    return " · ".join(
        f"{name.rpartition('.')[2]} {_short(value)}" for name, value in params.items()
    )


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def ended_line(event: TrialEnded, params: Mapping[str, Any], score: Score) -> Text:
    """One ended trial: number, outcome, value, reason, settings."""
    value = " " * len(score.value(0.0)) if event.value is None else score.value(event.value)
    line = Text.assemble(
        (f"{MARKS[event.state]} ", STYLES[event.state]),
        f"trial {event.number:<4} {value}  ",
        no_wrap=True,
        overflow="ellipsis",
    )
    if event.reason:
        line.append(f"{event.reason}  ", style=STYLES[event.state])
    line.append(brief(params), style="dim")
    return line


def notice(event: Event, score: Score) -> str | None:
    """What must be said in words: trials found lost, settings that are run again."""
    match event:
        case LostFound():
            return f"trials of a run that died go on: {figures.numbers(event.numbers)}"
        case WorkerDied():
            then = "another one takes its place" if event.replaced else "the others go on"
            return f"worker {event.pid} {event.how}; {then}"
        case StorageGone():
            return (
                f"the storage does not answer ({event.cause}): trials go on, what they report is "
                "kept until it is back"
            )
        case StorageBack():
            return f"the storage is back after {figures.duration(event.seconds)}; nothing was lost"
        case Waiting():
            return (
                f"nothing is left to begin; other workers run {event.trials} trials, and what one "
                "of them loses is run here (Ctrl-C leaves)"
            )
        case Warned():
            return event.text
        case TrialStarted() if event.curve:
            return f"trial {event.number} goes on after {score.at(len(event.curve))}"
        case TrialStarted() if event.repeats is not None:
            return (
                f"trial {event.number} runs the settings of trial "
                f"{event.repeats} again with a new seed: no new ones were drawn"
            )
    return None


def where(trial: Running, score: Score) -> str:
    """How far a trial is that has ended an epoch."""
    done = f"{score.value(trial.curve[-1])} after {score.at(len(trial.curve))}"
    return f"{done} of {score.moment(trial.epochs)}"


class Teller:
    """Turns events into lines, and brings the progress up to date with them.

    A new best trial and a failure always have a line of their own. Other trials have one while no
    more than `MOST_LINES` end in a `WINDOW`; the rest are counted in a line at its end.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._opened = time.monotonic()
        self._ended = 0
        self._crowded = False
        self._untold: dict[str, int] = {}
        self._said: set[str] = set()

    @property
    def _few(self) -> bool:
        return not self._crowded and self._ended <= MOST_LINES

    def hear(self, event: Event) -> list[Text]:
        """The lines to print now."""
        best = self._progress.best
        trial = self._progress.take(event)
        lines = self._next_window()
        if (text := notice(event, self._progress.score)) and (
            self._few or not isinstance(event, TrialStarted)
        ):
            lines += self._once(event, text)
        if isinstance(event, TrialEnded):
            self._ended += 1
            if self._few or event.state == "failed" or self._progress.best is not best:
                params = trial.params if trial else {}
                lines.append(ended_line(event, params, self._progress.score))
            else:
                self._untold[event.state] = self._untold.get(event.state, 0) + 1
        return lines

    def _once(self, event: Event, text: str) -> list[Text]:
        """The notice, unless another worker has said the same: they all find out at once."""
        kind = type(event).__name__
        if isinstance(event, Warned):
            kind = text
        if isinstance(event, StorageBack):
            self._said.discard(StorageGone.__name__)
        if isinstance(event, StorageGone):
            self._said.discard(StorageBack.__name__)
        if isinstance(event, StorageGone | StorageBack | Warned):
            if kind in self._said:
                return []
            self._said.add(kind)
        return [Text(text, style="cyan")]

    def rest(self) -> list[Text]:
        """A line about the trials that had none of their own; none where there are none."""
        if not self._untold:
            return []
        text = Text(f"{figures.grouped(sum(self._untold.values()))} more ended:")
        for index, (state, count) in enumerate(self._untold.items()):
            text.append(", " if index else " ")
            text.append(f"{figures.grouped(count)} {state}", style=STYLES[state])
        text.append(f"; {len(self._progress.running)} running")
        if best := self._progress.best:
            text.append(f"; best {self._progress.score.value(best.value)} (trial {best.number})")
        self._untold = {}
        return [text]

    def _next_window(self) -> list[Text]:
        now = time.monotonic()
        if now - self._opened < WINDOW:
            return []
        self._crowded = self._ended > MOST_LINES
        self._opened, self._ended = now, 0
        return self.rest()
