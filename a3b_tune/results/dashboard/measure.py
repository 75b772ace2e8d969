"""What the values of one study are: their metric, their unit of time, and the level theory knows.

Knows no request and no page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log10
from typing import Any

from optuna.trial import FrozenTrial

from a3b_tune.results.overview import Ceiling, Floor
from a3b_tune.study import ACCURACY, BITS, Metric, StudyFile
from a3b_tune.tuning import records
from a3b_tune.tuning.scores import LOOKS

# A trial's last epoch, kept when the record of all its epochs is let go.
LAST = "a3b:last"


@dataclass(frozen=True)
class Measure:
    """`every` is how many steps lie between two evaluations of a text, None of rows; `digits` tell
    accuracies apart; `token` is what a text is cut into."""

    metric: Metric = ACCURACY
    every: int | None = None
    ceiling: Ceiling | None = None
    floor: Floor | None = None
    digits: int = 4
    token: str = "token"

    @classmethod
    def of(cls, file: StudyFile, attrs: Mapping[str, Any]) -> "Measure":
        """That of a study with these attributes."""
        ceiling, floor = attrs.get(records.STUDY_CEILING), attrs.get(records.STUDY_FLOOR)
        data = attrs.get(records.STUDY_DATA) or {}
        rows = data.get("validation") or 0
        return cls(
            file.metric,
            file.training.evaluate_every if file.is_text else None,
            Ceiling(**ceiling) if ceiling else None,
            Floor(**floor) if floor else None,
            # Digits that tell one row more from one row less.
            max(4, ceil(log10(rows))) if rows and not file.is_text else 4,
            data.get("unit", "token"),
        )

    @property
    def unit(self) -> str:
        """What a trial's life is counted in."""
        return "step" if self.every else "epoch"

    @property
    def level(self) -> tuple[str, float] | None:
        """The line that a curve comes up or down to."""
        if self.ceiling is not None:
            return "ceiling", self.ceiling.value
        return None if self.floor is None else ("floor", self.floor.value)

    @property
    def axis(self) -> str:
        """What stands beside an axis of values."""
        return (
            f"validation bits per {self.token}" if self.every else f"validation {self.metric.name}"
        )

    def moment(self, epoch: int) -> int:
        """So many evaluations as epochs or steps."""
        return epoch * (self.every or 1)

    def best(self, trial: FrozenTrial) -> tuple[int, float]:
        """The first epoch with the best value, and that value; of a trial that has one."""
        values = trial.intermediate_values
        epoch = self.metric.best_epoch(values)
        assert epoch is not None
        return epoch, values[epoch]

    def value(self, value: float) -> str:
        """Bits, or an accuracy; that is never rounded up to 1: a model that gets one row wrong is
        not perfect."""
        shown = f"{value:.{self.digits}f}"
        if self.metric != ACCURACY:
            return shown
        if value < 1.0 and float(shown) == 1.0:
            shown = "0." + "9" * self.digits
        whole, _, part = shown.partition(".")
        return f"{whole}.{part.rstrip('0') or '0'}"


def last_epoch(trial: FrozenTrial) -> Mapping[str, Any]:
    """What a trial's last epoch measured; nothing where it has none."""
    epochs = trial.user_attrs.get(records.EPOCHS)
    found = epochs[-1] if epochs else trial.user_attrs.get(LAST)
    return found if found and found["epoch"] in trial.intermediate_values else {}


def keep_last(attrs: dict[str, Any]) -> None:
    """Lets a trial's record of its epochs go, most of what it takes in memory; of a trial on text
    the last one is kept, without its looks."""
    epochs = attrs.pop(records.EPOCHS, None)
    if epochs and BITS.name in epochs[-1]:
        attrs[LAST] = {key: value for key, value in epochs[-1].items() if key != LOOKS}
