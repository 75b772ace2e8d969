"""A trial on one level: which columns a table of trials has, and what stands in them.

Knows no file format.
"""

from collections.abc import Iterable
from typing import Any

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


def flat(row: TrialRow, parts: Iterable[str], settings: Iterable[str]) -> dict[str, Any]:
    """A trial on one level: `COLUMNS`, `seconds.PART` for each part, each setting by its name."""
    cells = json_object({name: getattr(row, name) for name in COLUMNS})
    cells |= {f"seconds.{part}": row.seconds.get(part) for part in parts}
    return cells | {name: row.settings.get(name) for name in settings}
