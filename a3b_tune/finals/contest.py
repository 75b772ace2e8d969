"""Settings of a study trained again on the same fresh seeds, and who is still in the race.

Knows neither how a run is trained nor where its value is kept.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from a3b_tune.finals import race
from a3b_tune.study import Metric, Scalar
from a3b_tune.training.shape import Shape

# Of a text, what a run does beside its value and costs long: nothing of it is kept here.
BARE: Mapping[str, Scalar] = {"training.final_batches": 0, "samples.length": 0}


@dataclass(frozen=True)
class Contestant:
    """The settings of a trial that are trained again. `said` is what the search said of them;
    `rounds` is how many epochs (of a text, evaluations) the trial had."""

    study: str
    trial: int
    settings: Mapping[str, Scalar]
    said: float
    rounds: int


@dataclass(frozen=True)
class Task:
    """One run that is to be made: a contestant on a seed."""

    who: Contestant
    seed: int

    @property
    def bare(self) -> dict[str, Scalar]:
        """The settings without what costs time and decides nothing."""
        return {**self.who.settings, **(BARE if "training.steps" in self.who.settings else {})}

    @property
    def shape(self) -> Shape:
        return Shape.of(self.bare)


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its best `value`, as the search has it, first met in `epoch`, the `last`
    one, its share of the stack's seconds. With a `fault`, the worst value there is."""

    study: str
    trial: int
    seed: int
    value: float
    last: float
    epoch: int | None
    seconds: float
    fault: str | None = None

    def to_json(self) -> dict[str, Any]:
        """All but the study, which it is kept in."""
        return {name: value for name, value in vars(self).items() if name != "study"}


def fresh_seeds(data_hash: str, count: int, taken: Collection[int]) -> list[int]:
    """So many seeds, none of them taken. They hang on the data alone: studies on the same data are
    tried on the same seeds, so that what was measured for one need not be again for another."""
    found: list[int] = []
    place = 0
    while len(found) < count:
        text = f"{data_hash}:{place}:confirm".encode()
        seed = int.from_bytes(hashlib.sha256(text).digest()[:4], "big") >> 1
        if seed not in taken and seed not in found:
            found.append(seed)
        place += 1
    return found


class Race:
    """The contestants of one study, round by round.

    :param racing: drop those that are clearly behind; else there is one round.
    :param known: what was measured before, and need not be again.
    """

    def __init__(
        self,
        contestants: Sequence[Contestant],
        seeds: Sequence[int],
        metric: Metric,
        *,
        racing: bool = True,
        known: Iterable[Outcome] = (),
    ) -> None:
        self.contestants = list(contestants)
        self.seeds = list(seeds)
        self.metric = metric
        self.dropped: dict[int, int] = {}
        self.outcomes: dict[tuple[int, int], Outcome] = {}
        self._rounds = race.rounds(len(seeds)) if racing else [len(seeds)]
        self._level = race.level(len(self._rounds) - 1)
        trials = {who.trial for who in contestants}
        for outcome in known:
            if outcome.trial in trials and outcome.seed in self.seeds:
                self.hear(outcome)

    @property
    def left(self) -> list[Contestant]:
        """Who was not dropped."""
        return [who for who in self.contestants if who.trial not in self.dropped]

    @property
    def reached(self) -> int:
        """How many seeds the round has that runs now; all of them after the last."""
        return self._rounds[0] if self._rounds else len(self.seeds)

    def wanted(self) -> list[Task]:
        """The runs that the round still lacks; rounds that lack none are ended first."""
        while self._rounds:
            tasks = [
                Task(who, seed)
                for who in self.left
                for seed in self.seeds[: self._rounds[0]]
                if (who.trial, seed) not in self.outcomes
            ]
            if tasks:
                return tasks
            self._end_round()
        return []

    def most_left(self) -> int:
        """How many runs are still to be made if nobody is dropped any more."""
        pairs = ((who.trial, seed) for who in self.left for seed in self.seeds)
        return sum(pair not in self.outcomes for pair in pairs)

    def hear(self, outcome: Outcome) -> None:
        self.outcomes[outcome.trial, outcome.seed] = outcome

    def runs(self, trial: int) -> list[Outcome]:
        """What was measured of a setting, by the order of seeds."""
        pairs = ((trial, seed) for seed in self.seeds)
        return [self.outcomes[pair] for pair in pairs if pair in self.outcomes]

    def look_no_more(self) -> None:
        """All that is left is trained as one round: dropping somebody would save too little."""
        self._rounds = self._rounds[-1:]

    def _end_round(self) -> None:
        seeds = self.seeds[: self._rounds.pop(0)]
        # Where all is measured already, dropping saves nothing: an earlier race did not look.
        if not self._rounds or not self.most_left():
            return
        left = self.left
        key = self.metric.key
        blocks = [[key(self.outcomes[w.trial, seed].value) for w in left] for seed in seeds]
        for place in sorted(race.behind(blocks, self._level)):
            self.dropped[left[place].trial] = len(seeds)


def shared_out(tasks: Sequence[Task], processes: int) -> list[list[Task]]:
    """The tasks in lists of one study and shape, each to be trained as a stack, the longest first.

    As many shapes as can be shared evenly stay whole; those left over are cut, one part for each
    process, so that none of these is idle at the end.
    """
    groups: dict[tuple[str, Shape], list[Task]] = {}
    for task in tasks:
        groups.setdefault((task.who.study, task.shape), []).append(task)
    whole = sorted(groups.values(), key=_length, reverse=True)
    even = len(whole) // processes * processes
    cut = [part for group in whole[even:] for part in _parts(group, processes)]
    return sorted([*whole[:even], *cut], key=_length, reverse=True)


def _length(tasks: Sequence[Task]) -> int:
    return sum(task.who.rounds for task in tasks)


def _parts(tasks: Sequence[Task], count: int) -> list[list[Task]]:
    size = ceil(len(tasks) / count)
    return [list(tasks[first : first + size]) for first in range(0, len(tasks), size)]
