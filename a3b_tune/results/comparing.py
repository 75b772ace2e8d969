"""Studies side by side: what each found for the same number of trials, epochs and seconds of work.

Knows how studies are read; knows nothing of screens and pages.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import log2
from typing import Any

import numpy as np

from a3b_tune.errors import InputError
from a3b_tune.results.best_of import Expected, expected_best, first_places
from a3b_tune.results.overview import ENDED, StudyOverview
from a3b_tune.results.trials import TrialRow, json_object, ranked
from a3b_tune.study import Metric

# Points of a curve.
POINTS = 24
LEAST = 2
# An interval of so few trials is not to be believed.
FEW = 10
# Bits nearer than this are the same: no number of windows that is scored tells them apart.
SAME_BITS = 1e-4

MEASURES: dict[str, Callable[[TrialRow], float]] = {
    "trials": lambda row: 1.0,
    "epochs": lambda row: float(len(row.epochs)),
    "seconds": lambda row: sum(row.seconds.values()),
}
"""What a trial costs, by what studies are made equal in."""


@dataclass(frozen=True)
class Level:
    """One study at a budget. `ran` is the best complete trial that had ended within it as the
    study ran (trial `trial`), None before there was one; `best` is what so many trials find on
    average, with its 95 % interval; `trials` is how many that are; `first` is the probability of
    being the best of the studies compared."""

    study: str
    ran: float | None
    trial: int | None
    best: float
    low: float
    high: float
    trials: float
    first: float


@dataclass(frozen=True)
class Equal:
    """All studies at the same `budget` of one `measure`, which a person calls `unit`: the most that
    all of them have spent."""

    measure: str
    unit: str
    budget: float
    levels: tuple[Level, ...]

    @property
    def ranking(self) -> list[Level]:
        """The studies, the likeliest best first."""
        return sorted(self.levels, key=lambda level: -level.first)

    @property
    def winner(self) -> Level:
        return self.ranking[0]


@dataclass(frozen=True)
class Line:
    """What a study is expected to find, over a budget of one measure."""

    study: str
    measure: str
    budgets: tuple[float, ...]
    best: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """Studies on the same data by the same metric. `warnings` say what makes them unlike."""

    studies: tuple[StudyOverview, ...]
    equals: tuple[Equal, ...]
    lines: tuple[Line, ...]
    warnings: tuple[str, ...]

    @property
    def metric(self) -> Metric:
        return self.studies[0].file.metric

    def to_json(self) -> dict[str, Any]:
        """Everything, of the studies their bests."""
        return json_object(
            {
                "metric": self.metric.name,
                "studies": [_told(study) for study in self.studies],
                "equal": [asdict(equal) | {"winner": equal.winner.study} for equal in self.equals],
                "curves": [asdict(line) for line in self.lines],
                "warnings": self.warnings,
            }
        )


def compare(studies: Sequence[StudyOverview]) -> Comparison:
    """Compares studies.

    :raises InputError: they are fewer than two, or cannot be compared.
    """
    check_comparable(studies)
    searches = [_Search(study, place) for place, study in enumerate(studies)]
    equals, lines = [], list[Line]()
    for measure in MEASURES:
        budget = min(search.spent(measure) for search in searches)
        if budget > 0.0:
            equals.append(_equal(searches, measure, budget))
            lines += [search.line(measure) for search in searches if search.spent(measure)]
    return Comparison(tuple(studies), tuple(equals), tuple(lines), tuple(_warnings(studies)))


def check_comparable(studies: Sequence[StudyOverview]) -> None:
    """Refuses studies that cannot be compared.

    :raises InputError: they are fewer than two, are one, have other data, another metric, or fewer
        than two trials that have ended.
    """
    names = [study.name for study in studies]
    if len(names) < 2:
        raise InputError(f"compare {' '.join(names)}: with what? name two studies or more")
    first = studies[0]
    for place, study in enumerate(studies):
        if study.name in names[:place]:
            raise InputError(f"compare {study.name}: this study is named twice")
        told = f"study {study.name!r} cannot be compared with {first.name!r}"
        one, other = first.file.metric.name, study.file.metric.name
        if one != other:
            raise InputError(f"{told}: its metric is {other}, not {one}")
        if study.data["hash"] != first.data["hash"]:
            own, others = _data(study), _data(first)
            same = " of another seed or split" if own == others else ""
            raise InputError(f"{told}: its data is {own}{same}, not the same as {others}")
    for study in studies:
        if study.ended < LEAST:
            has = {0: "no trial that has ended"}.get(study.ended, "only one trial that has ended")
            raise InputError(f"study {study.name!r} has {has}; compare needs {LEAST} of each study")


def _data(study: StudyOverview) -> str:
    return str(study.data.get("name", study.file.data.name))


class _Search:
    """One study's trials that have ended, in that order.

    :param seed: of the bootstrap, another one for each study: their draws are not pairs.
    """

    def __init__(self, study: StudyOverview, seed: int) -> None:
        self._seed = seed
        ended = [row for row in study.trials if row.state in ENDED]
        self.study = study
        self.metric = study.file.metric
        self.rows = sorted(ended, key=lambda row: (row.ended is None, row.ended, row.number))

    @cached_property
    def _keys(self) -> list[float]:
        """A trial that was stopped counts with what it had reached: so much one would have had; one
        that reached nothing as a model that guesses."""
        guess = _guess(self.study)
        return [self.metric.key(guess if row.value is None else row.value) for row in self.rows]

    def costs(self, measure: str) -> list[float]:
        return [MEASURES[measure](row) for row in self.rows]

    def spent(self, measure: str) -> float:
        return sum(self.costs(measure))

    def expected(self, measure: str, budgets: Sequence[float]) -> Expected:
        return expected_best(self._keys, self.costs(measure), budgets, self._seed)

    def line(self, measure: str) -> Line:
        """From one trial to all of them, on a logarithmic scale."""
        whole = self.spent(measure)
        budgets = np.geomspace(whole / len(self.rows), whole, min(POINTS, len(self.rows)))
        found = self.expected(measure, budgets.tolist())
        best, low, high = self.values(found)
        return Line(self.study.name, measure, tuple(budgets.tolist()), best, low, high)

    def values(self, found: Expected) -> tuple[tuple[float, ...], ...]:
        """The best values and the ends of their intervals, in the study's own metric."""
        sign = self.metric.sign
        ends = (found.low, found.high) if sign > 0 else (found.high, found.low)
        return tuple(tuple((sign * each).tolist()) for each in (found.best, *ends))

    def level(self, found: Expected, measure: str, budget: float, first: float) -> Level:
        (best,), (low,), (high,) = self.values(found)
        ran = self._ran(measure, budget)
        trials = budget * len(self.rows) / self.spent(measure)
        return Level(
            self.study.name,
            None if ran is None else ran.value,
            None if ran is None else ran.number,
            best,
            low,
            high,
            trials,
            first,
        )

    def _ran(self, measure: str, budget: float) -> TrialRow | None:
        spent, within = 0.0, list[TrialRow]()
        for row, cost in zip(self.rows, self.costs(measure), strict=True):
            spent += cost
            if spent > budget * (1.0 + 1e-9):
                break
            within.append(row)
        return next(iter(ranked(within, self.metric)), None)


def _equal(searches: Sequence[_Search], measure: str, budget: float) -> Equal:
    found = [search.expected(measure, [budget]) for search in searches]
    same = _same(searches[0].study)
    firsts = first_places([each.draws[:, 0] for each in found], same)
    levels = [
        search.level(each, measure, budget, first)
        for search, each, first in zip(searches, found, firsts, strict=True)
    ]
    return Equal(measure, _unit(searches[0].study, measure), budget, tuple(levels))


def _unit(study: StudyOverview, measure: str) -> str:
    """A text has no epochs: it is evaluated every so many steps."""
    return "evaluations" if study.file.is_text and measure == "epochs" else measure


def _same(study: StudyOverview) -> float:
    """Values that are not farther apart are equal: of an accuracy one validation row."""
    if study.file.metric.sign < 0:
        return SAME_BITS
    return 1.0 / max(1, int(study.data["validation"])) + 1e-12


def _guess(study: StudyOverview) -> float:
    """What a model that has learned nothing is worth."""
    if study.file.metric.sign < 0:
        return log2(max(2, study.data["vocabulary"]))
    return 1.0 / max(2, len(study.data.get("classes", ())))


def _warnings(studies: Sequence[StudyOverview]) -> list[str]:
    found = []
    devices = {row.device for study in studies for row in study.trials if row.device}
    if len(devices) > 1:
        listed = "; ".join(sorted(devices))
        found.append(f"trials ran on different devices ({listed}): their seconds are not alike")
    few = [study.name for study in studies if study.ended < FEW]
    if few:
        found.append(f"fewer than {FEW} trials have ended in {', '.join(few)}: believe no interval")
    going = [study.name for study in studies if study.counts["running"] > len(study.lost)]
    if going:
        found.append(f"still running: {', '.join(going)}")
    return found


def _told(study: StudyOverview) -> dict[str, Any]:
    best, race = study.best, study.confirmation
    winner = None if race is None else race["rows"][0]
    return {
        "name": study.name,
        "trials": study.ended,
        "epochs": sum(len(row.epochs) for row in study.trials),
        "seconds": sum(study.seconds.values()),
        "best": None if best is None else {"trial": best.number, "value": best.value},
        "settings": None if best is None else dict(best.settings),
        "ceiling": None if study.ceiling is None else study.ceiling.value,
        "floor": None if study.floor is None else study.floor.value,
        "confirmed": None
        if winner is None
        else {key: winner[key] for key in ("trial", "mean", "half", "seeds")},
    }
