"""What is known of a run while it goes: counts, best, running trials by shape, time left.

Fed by the events of the loop; knows no terminal.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from a3b_tune.cli.score import Score
from a3b_tune.training.shape import MEMBER_SETTINGS
from a3b_tune.tuning.events import EpochDone, Event, TrialEnded, TrialStarted, WorkerDied

STATES = ("complete", "pruned", "failed")


@dataclass
class OfShape:
    """The trials of one shape in this run: the searched settings that make it, how many run, for
    how many there was room at once since it was last empty, the best value of any, ended ones
    too."""

    settings: Mapping[str, Any]
    running: int = 0
    room: int = 0
    best: float | None = None


@dataclass
class Running:
    """One trial that is being trained: `epochs` is how often it will be evaluated in all, `curve`
    its values so far."""

    params: Mapping[str, Any]
    shape: OfShape
    epochs: int = 0
    curve: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> float:
        """The share of its epochs that is behind it."""
        return len(self.curve) / self.epochs if self.epochs else 0.0


@dataclass(frozen=True)
class Best:
    """The best complete trial so far."""

    number: int
    value: float
    epoch: int
    params: Mapping[str, Any]


@dataclass
class Progress:
    """The state of a run. `counts` are the trials of the study by state, those of earlier runs
    included; `deadline` is a moment of `time.monotonic`; `score` tells values and moments."""

    title: str
    trials: int
    counts: dict[str, int]
    best: Best | None
    deadline: float | None = None
    score: Score = field(default_factory=Score)
    running: dict[int, Running] = field(default_factory=dict)
    shapes: dict[tuple[tuple[str, Any], ...], OfShape] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    ended_here: int = 0
    # Settings of trials that were put back or lost.
    _returned: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        return sum(self.counts.get(state, 0) for state in STATES)

    @property
    def seconds_left(self) -> float | None:
        """An estimate from what was done in this run, begun trials by their epochs, cut at the
        deadline; not before a trial has ended."""
        now = time.monotonic()
        limit = None if self.deadline is None else max(0.0, self.deadline - now)
        if not self.ended_here:
            return limit
        begun = sum(trial.done for trial in self.running.values())
        rest = max(0.0, self.trials - self.ended - begun)
        guess = (now - self.started) / (self.ended_here + begun) * rest
        return guess if limit is None else min(guess, limit)

    def take(self, event: Event) -> Running | None:
        """Brings the state up to date with an event.

        :returns: the trial that the event is about.
        """
        match event:
            case TrialStarted():
                trial = self._start(event.number, event.params, event.slots)
                trial.curve.extend(event.curve)
                return trial
            case EpochDone():
                return self._epoch(event)
            case TrialEnded():
                return self._end(event)
            case WorkerDied():
                for number in event.trials:
                    self._returned[number] = self._leave(number).params
        return None

    def _start(self, number: int, params: Mapping[str, Any], slots: int = 1) -> Running:
        if number in self.running:
            self._leave(number)
        self._returned.pop(number, None)
        settings = {name: params[name] for name in params if name not in MEMBER_SETTINGS}
        shape = self.shapes.setdefault(tuple(settings.items()), OfShape(settings))
        shape.running += 1
        # Two workers may each have a stack of one shape.
        shape.room = max(shape.room, shape.running, slots)
        trial = self.running[number] = Running(params, shape)
        return trial

    def _known(self, number: int) -> Running:
        """A running trial. Of two workers, of which one put a trial back and the other took it, the
        second may have been heard first."""
        return self.running.get(number) or self._start(number, self._returned.get(number, {}))

    def _leave(self, number: int) -> Running:
        trial = self._known(number)
        del self.running[number]
        trial.shape.running -= 1
        if not trial.shape.running:
            trial.shape.room = 0
        return trial

    def _epoch(self, event: EpochDone) -> Running:
        trial = self._known(event.number)
        trial.epochs = event.epochs
        trial.curve.append(event.epoch.value)
        best = (event.epoch.value, trial.shape.best)
        trial.shape.best = self.score.metric.best(value for value in best if value is not None)
        return trial

    def _end(self, event: TrialEnded) -> Running:
        trial = self._leave(event.number)
        if event.state not in STATES:
            self._returned[event.number] = trial.params
            return trial
        self.ended_here += 1
        self.counts[event.state] = self.counts.get(event.state, 0) + 1
        if event.state == "complete" and event.value is not None and event.best_epoch is not None:
            new = Best(event.number, event.value, event.best_epoch, trial.params)
            self.best = min(filter(None, (self.best, new)), key=self._rank)
        return trial

    def _rank(self, best: Best) -> tuple[float, int, int]:
        """A better value first, then fewer epochs to it, then the earlier trial."""
        return (-self.score.metric.key(best.value), best.epoch, best.number)
