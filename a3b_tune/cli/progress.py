"""What is known of a run while it goes: counts, best, running trials, time left.

Fed by the events of the loop; knows no terminal.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from a3b_tune.tuning.loop import EpochDone, Event, TrialEnded, TrialStarted

STATES = ("complete", "pruned", "failed")


@dataclass
class Running:
    """One trial that is being trained."""

    params: Mapping[str, Any]
    epochs: int = 0
    curve: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Best:
    """The best complete trial so far: more accuracy first, then fewer epochs."""

    number: int
    value: float
    epoch: int
    params: Mapping[str, Any]

    @property
    def rank(self) -> tuple[float, int, int]:
        return (self.value, -self.epoch, -self.number)


@dataclass
class Progress:
    """The state of a run. `counts` are the trials of the study by state, those of earlier runs
    included; `deadline` is a moment of `time.monotonic`."""

    title: str
    trials: int
    counts: dict[str, int]
    best: Best | None
    deadline: float | None = None
    running: dict[int, Running] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    ended_here: int = 0

    @property
    def ended(self) -> int:
        return sum(self.counts.get(state, 0) for state in STATES)

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the trials that ended in this run, cut at the deadline."""
        now = time.monotonic()
        limit = None if self.deadline is None else max(0.0, self.deadline - now)
        if not self.ended_here:
            return limit
        guess = (now - self.started) / self.ended_here * max(0, self.trials - self.ended)
        return guess if limit is None else min(guess, limit)

    def take(self, event: Event) -> None:
        """Brings the state up to date with an event."""
        match event:
            case TrialStarted():
                self._start(event)
            case EpochDone():
                self._epoch(event)
            case TrialEnded():
                self._end(event)

    def _start(self, event: TrialStarted) -> None:
        self.running[event.number] = Running(event.params)

    def _epoch(self, event: EpochDone) -> None:
        trial = self.running[event.number]
        trial.epochs = event.epochs
        trial.curve.append(event.epoch.accuracy)

    def _end(self, event: TrialEnded) -> None:
        trial = self.running.pop(event.number)
        if event.state not in STATES:
            return
        self.ended_here += 1
        self.counts[event.state] = self.counts.get(event.state, 0) + 1
        if event.state == "complete" and event.value is not None and event.best_epoch is not None:
            new = Best(event.number, event.value, event.best_epoch, trial.params)
            if self.best is None or new.rank > self.best.rank:
                self.best = new
