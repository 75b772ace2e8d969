"""How a study's values and moments are told: accuracies by epoch, or bits by step.

Knows no trial and no screen.
"""

from dataclasses import dataclass

from a3b_tune.results import figures
from a3b_tune.study import ACCURACY, Metric, StudyFile

# Digits of bits: the error of a thousand windows is in the second one, that of an excess in the
# fourth.
BITS_DIGITS = 4


@dataclass(frozen=True)
class Score:
    """A study's metric in words. `digits` tell its accuracies apart; `every` is how many steps lie
    between two evaluations of a text, None of rows, which are evaluated after each epoch."""

    metric: Metric = ACCURACY
    digits: int = 5
    every: int | None = None

    def value(self, value: float | None, *, short: bool = False) -> str:
        """`0.75216`, or of bits `0.5612`; with `short` an accuracy without zeros at its end."""
        if self.metric == ACCURACY or value is None:
            return figures.accuracy(value, self.digits, short=short)
        return f"{value:.{BITS_DIGITS}f}"

    @property
    def unit(self) -> str:
        """What a trial's life is counted in."""
        return "step" if self.every else "epoch"

    def moment(self, rounds: int) -> int:
        """So many evaluations as epochs or steps."""
        return rounds * (self.every or 1)

    def at(self, rounds: int | None) -> str:
        """`epoch 6`, `step 1500`."""
        return f"{self.unit} {'-' if rounds is None else self.moment(rounds)}"


def score_of(file: StudyFile, validation: int | None = None) -> Score:
    """How the values of a study of this file are told.

    :param validation: the validation rows, where they are known.
    """
    every = file.training.evaluate_every if file.is_text else None
    digits = Score.digits if validation is None else figures.accuracy_digits(validation)
    return Score(file.metric, digits, every)
