"""A study's trials lived again under another pruner, on the curves that are stored.

Trials begin in the order in which they began, each when as few others are running as were then, and
every epoch takes what it took. The pruner is the real one and sees what a worker shows it. Settings
are those that were drawn: with other endings a sampler might have drawn others. Knows nothing of
how a replay is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from math import inf
from typing import Any, Literal, cast

from optuna.pruners import BasePruner
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.results.trials import TrialRow
from a3b_tune.study import Metric
from a3b_tune.tuning.measured import rounds_of
from a3b_tune.tuning.pruning import should_prune
from a3b_tune.tuning.view import View

ENDED = ("complete", "pruned", "failed")
# How a trial's stored curve ends: as the trial does, or where a pruner cut it.
End = Literal["complete", "itself", "cut"]
# What becomes of a trial in a replay: complete, pruned, ended by itself (it diverged or failed),
# not to be followed (its curve ends before the pruner would end it), or running when the budget
# was spent.
Fate = Literal["complete", "pruned", "itself", "unknown", "stopped"]
DIVERGED = "diverged"


@dataclass(frozen=True)
class Curve:
    """A trial as it is stored: its `values` by epoch; the `work` of each in seconds and how long it
    took by the clock (`wall`); how many `rounds` it was to have; how many others ran when it began
    (`company`); how long it ran where it has no epoch (`alone`)."""

    number: int
    values: tuple[float, ...]
    work: tuple[float, ...]
    wall: tuple[float, ...]
    rounds: int
    end: End
    company: int
    idle: float = 0.0


@dataclass(frozen=True)
class Limit:
    """When a replayed study is over: at so many trials, or so many seconds of work."""

    trials: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Lived:
    """One trial of a replay: so many `epochs` of work took `seconds`. Of one that could not be
    followed, `more` epochs would have been possible, of about `more_seconds`."""

    curve: Curve
    fate: Fate
    epochs: int
    seconds: float
    more: int = 0
    more_seconds: float = 0.0

    @property
    def as_it_ran(self) -> bool:
        """Whether it ended where it did when it ran."""
        ends = {"complete": "complete", "itself": "itself", "pruned": "cut"}
        return self.epochs == len(self.curve.values) and ends.get(self.fate) == self.curve.end


def curves(rows: Sequence[TrialRow], metric: Metric) -> list[Curve]:
    """The trials that have ended, in the order in which they began."""
    ended = [row for row in rows if row.state in ENDED and row.started and row.ended]
    ended.sort(key=lambda row: (row.started, row.number))
    running: list[datetime] = []
    found = []
    for row in ended:
        assert row.started is not None and row.ended is not None
        while running and running[0] <= row.started:
            heappop(running)
        found.append(_curve(row, metric, len(running)))
        heappush(running, row.ended)
    return found


def _curve(row: TrialRow, metric: Metric, company: int) -> Curve:
    assert row.started is not None and row.ended is not None
    work = [epoch["seconds"] + epoch["evaluation_seconds"] for epoch in row.epochs]
    span = max(0.0, (row.ended - row.started).total_seconds())
    # An interrupted trial has an earlier life that its dates do not tell.
    scale = (row.stack or 1) if row.interruptions or not sum(work) else span / sum(work)
    return Curve(
        row.number,
        tuple(float(epoch[metric.name]) for epoch in row.epochs),
        tuple(work),
        tuple(seconds * scale for seconds in work),
        max(rounds_of(row.settings), len(row.epochs)),
        _end(row),
        company,
        span,
    )


def _end(row: TrialRow) -> End:
    if row.state == "complete":
        return "complete"
    cut = row.state == "pruned" and not (row.reason or "").startswith(DIVERGED)
    return "cut" if cut else "itself"


@dataclass
class _Running:
    curve: Curve
    frozen: FrozenTrial
    seconds: float = 0.0

    @property
    def epochs(self) -> int:
        return len(self.frozen.intermediate_values)


@dataclass
class Replay:
    """One replay of a study's curves; called once.

    :param name: the study's name: Hyperband sorts trials into brackets by it.
    """

    name: str
    metric: Metric
    curves: Sequence[Curve]
    pruner: BasePruner
    limit: Limit = field(default_factory=Limit)

    def __post_init__(self) -> None:
        direction = StudyDirection.MAXIMIZE if self.metric.sign > 0 else StudyDirection.MINIMIZE
        storage = InMemoryStorage()
        storage.create_new_study([direction], self.name)
        # What a worker knows of its study; a pruner asks no more of it than any storage has.
        self._view = View(cast(Any, storage), self.name, self.pruner)
        self._waiting = list(reversed(self.curves[: self.limit.trials]))
        self._running: dict[int, _Running] = {}
        self._next: list[tuple[float, int]] = []
        self._lived: list[Lived] = []
        self._spent = 0.0

    def __call__(self) -> list[Lived]:
        """Every trial that began, by the order of their ends."""
        self._begin(0.0)
        budget = inf if self.limit.seconds is None else self.limit.seconds
        while self._next and self._spent < budget:
            now, number = heappop(self._next)
            self._step(self._running[number], now)
            self._begin(now)
        for own in list(self._running.values()):
            self._ends(own, "stopped", None)
        return self._lived

    def _begin(self, now: float) -> None:
        while self._waiting and len(self._running) <= self._waiting[-1].company:
            curve = self._waiting.pop()
            frozen = _trial(curve.number)
            self._view.hold([frozen])
            self._running[curve.number] = _Running(curve, frozen)
            self._plan(self._running[curve.number], now)

    def _plan(self, own: _Running, now: float) -> None:
        """When the trial's next epoch ends, or where it has none, the trial."""
        place, curve = own.epochs, own.curve
        lasts = curve.wall[place] if place < len(curve.wall) else 0.0 if place else curve.idle
        heappush(self._next, (now + lasts, curve.number))

    def _step(self, own: _Running, now: float) -> None:
        curve, place = own.curve, own.epochs
        if place == len(curve.values):
            self._ends(own, "itself", TrialState.PRUNED)
            return
        own.frozen.intermediate_values[place + 1] = curve.values[place]
        own.seconds += curve.work[place]
        self._spent += curve.work[place]
        last = place + 1 == len(curve.values)
        if last and curve.end == "complete":
            self._ends(own, "complete", TrialState.COMPLETE)
        elif should_prune(self._view.study, own.frozen):
            self._ends(own, "pruned", TrialState.PRUNED)
        elif last and curve.end == "cut":
            self._ends(own, "unknown", TrialState.PRUNED)
        elif last:
            # It dies in the epoch that comes now, of which nothing is stored.
            self._ends(own, "itself", TrialState.PRUNED)
        else:
            self._plan(own, now)

    def _ends(self, own: _Running, fate: Fate, state: TrialState | None) -> None:
        curve, epochs = own.curve, own.epochs
        del self._running[curve.number]
        if state is not None:
            values = own.frozen.intermediate_values
            value = self.metric.best(values.values())
            self._view.let_go(own.frozen._trial_id, state, value)
        more = curve.rounds - epochs if fate == "unknown" else 0
        each = own.seconds / epochs if epochs else 0.0
        self._lived.append(Lived(curve, fate, epochs, own.seconds, more, more * each))


def _trial(number: int) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=datetime.now(),
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
        trial_id=number,
    )
