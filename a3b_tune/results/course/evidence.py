"""What the studies of the course came to: each study's trials grouped by a setting, and what theory
allows each group.

Reads alone; knows no question and no page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import sqrt
from pathlib import Path

from a3b_tune.data import Dataset, Rows
from a3b_tune.data.ceilings import best_accuracy
from a3b_tune.data.load import load
from a3b_tune.results.overview import StudyOverview
from a3b_tune.results.report.traced import Traced
from a3b_tune.results.trials import TrialRow
from a3b_tune.study import Choices, Scalar
from a3b_tune.study.ceiling import ROW_LENGTH, ceiling_kind

# Further below its ceiling than this a search has not found what theory allows.
NEAR = 0.002
UNSURE = "three_of_four"


@dataclass(frozen=True)
class Evidence:
    """What there is to answer by: `studies` by the name of the file they came from, `absent` why
    one is not there, by the same names; `rows` of unequal length and what they are called; what was
    made shorter than the studies' files have it, in `cuts` by the same names, as it would be
    typed."""

    studies: Mapping[str, StudyOverview]
    absent: Mapping[str, str]
    rows: Rows
    rows_name: str
    cuts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    data_dir: Path | None = None

    def told(self, name: str) -> Traced | None:
        """A study with its numbers; None where it is not there or no trial of it has a value."""
        found = self.studies.get(name)
        measured = found is not None and any(row.value is not None for row in found.trials)
        return Traced(found) if found is not None and measured else None


@dataclass(frozen=True)
class Ceiling:
    """The accuracy that theory allows; a lucky model may land up to `margin` above."""

    value: float
    margin: float


@dataclass(frozen=True)
class Group:
    """The trials of a study with one value of a setting; `best` is the one with the best value,
    whatever became of it: a trial that was stopped early had that value too."""

    told: Traced
    value: Scalar
    trials: Sequence[TrialRow]
    best: TrialRow | None
    ceiling: Ceiling | None

    @property
    def standing(self) -> str:
        """Where the best stands against theory: at, below or above; empty without either."""
        if self.ceiling is None or self.best is None or self.best.value is None:
            return ""
        gap = self.best.value - self.ceiling.value
        if gap > self.ceiling.margin:
            return "above"
        return "at" if gap >= -NEAR else "below"


def groups(told: Traced, key: str) -> list[Group]:
    """A study's trials by a setting, in the order of its file; all in one group where it is
    fixed."""
    file = told.overview.file
    setting = file.settings()[key]
    values = setting.choices if isinstance(setting, Choices) else (setting,)
    return [_group(told, key, value) for value in values if isinstance(value, Scalar)]


def better(told: Traced, rows: Sequence[TrialRow]) -> TrialRow | None:
    """The trial with the best value, the first of equals."""
    known = [row for row in rows if row.value is not None]
    metric = told.overview.file.metric
    return max(known, key=lambda row: metric.key(row.value or 0.0), default=None)


def _group(told: Traced, key: str, value: Scalar) -> Group:
    rows = [row for row in told.overview.trials if row.settings.get(key) == value]
    best = better(told, rows)
    return Group(told, value, rows, best, None if best is None else ceiling_of(told, best))


def ceiling_of(told: Traced, row: TrialRow) -> Ceiling | None:
    """What theory allows a trial's settings, on its study's own rows."""
    file, own = told.overview.file, row.settings
    names = ("name", "pool", "positions", "heads", "depth")
    kind = ceiling_kind(file.data.name, *(own.get(f"model.{name}") for name in names))  # type: ignore[arg-type]
    length = own.get("data.max_length")
    cut = isinstance(length, int) and length < ROW_LENGTH.get(file.data.name, 0)
    if kind is None or cut or file.data.vocabulary is not None or file.data.bigrams is not None:
        return None
    data = _dataset(file.data.name, file.data.seed)
    value = best_accuracy(kind, data)
    error = sqrt(value * (1.0 - value) / len(data.validation))
    return Ceiling(value, 2.0 * error if kind == UNSURE else 1e-9)


@cache
def _dataset(name: str, seed: int) -> Dataset:
    found = load(name, seed=seed)
    assert isinstance(found, Dataset)
    return found
