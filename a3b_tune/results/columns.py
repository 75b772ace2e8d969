"""A trial on one level: which columns a table of trials has, and what stands in them.

Knows no file format.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from a3b_tune.results.trials import TrialRow, json_object

COLUMNS = (
    "number",
    "state",
    "value",
    "best_epoch",
    "seed",
    "repeats",
    "reason",
    "started",
    "ended",
    "device",
    "stack",
    "threads",
    "commit",
)


def setting_names(trials: Iterable[TrialRow]) -> list[str]:
    """Every setting of any trial, in the order of the study file."""
    return list(dict.fromkeys(name for row in trials for name in row.settings))


def part_names(trials: Iterable[TrialRow]) -> list[str]:
    """Every part that a trial's time was spent on."""
    return sorted({part for row in trials for part in row.seconds})


def score_names(trials: Iterable[TrialRow]) -> list[str]:
    """Every score of any trial's last epoch, as they were measured."""
    return list(dict.fromkeys(name for row in trials for name in row.scores))


@dataclass(frozen=True)
class Columns:
    """The columns of a table of trials beside `COLUMNS`: parts of time, settings and scores."""

    parts: Sequence[str]
    settings: Sequence[str]
    scores: Sequence[str]

    @classmethod
    def of(cls, trials: Sequence[TrialRow]) -> Self:
        return cls(part_names(trials), setting_names(trials), score_names(trials))

    @property
    def names(self) -> list[str]:
        """`COLUMNS`, `seconds.PART` for each part, each setting by its name, `scores.SCORE`."""
        seconds, scores = prefixed("seconds", self.parts), prefixed("scores", self.scores)
        return [*COLUMNS, *seconds, *self.settings, *scores]

    def flat(self, row: TrialRow) -> dict[str, Any]:
        """A trial on one level, by these names."""
        cells = json_object({name: getattr(row, name) for name in COLUMNS})
        cells |= {f"seconds.{part}": row.seconds.get(part) for part in self.parts}
        cells |= {name: row.settings.get(name) for name in self.settings}
        return cells | {f"scores.{name}": row.scores.get(name) for name in self.scores}


def prefixed(kind: str, names: Iterable[str]) -> list[str]:
    return [f"{kind}.{name}" for name in names]
