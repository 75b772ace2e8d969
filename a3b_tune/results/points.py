"""What a run measures, as points of curves: so many numbers at a step, each under its name.

Knows no file format and no service.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from a3b_tune.study import StudyFile
from a3b_tune.training import Epoch


@dataclass(frozen=True)
class Point:
    """Numbers by name, measured at one step of a trial, or of rows at one epoch."""

    step: int
    numbers: dict[str, float]


@dataclass(frozen=True)
class Scale:
    """How the epochs of one study become points."""

    metric: str
    every: int

    @classmethod
    def of(cls, file: StudyFile) -> "Scale":
        return cls(file.metric.name, file.training.evaluate_every if file.is_text else 1)

    def step(self, epoch: int) -> int:
        """The step after which an epoch ended."""
        return epoch * self.every

    def points(self, epoch: Epoch) -> Iterator[Point]:
        """Those of one epoch by their steps: a point for each look, and the scores at its end."""
        end = self.step(epoch.epoch)
        scores = {self.metric: epoch.value, **epoch.scores, "seconds": epoch.seconds}
        for look in epoch.looks:
            numbers = {"loss": look.loss, "gradient_norm": look.gradient_norm, "lr": look.lr}
            if look.step == end:
                scores = numbers | scores
            else:
                yield Point(look.step, _finite(numbers))
        if not epoch.looks:
            own = {"loss": epoch.loss, "gradient_norm": epoch.gradient_norm, "lr": epoch.lr}
            scores = own | scores
        yield Point(end, _finite(scores))


def run_name(number: int) -> str:
    """A trial's name among others, so that they stand in order."""
    return f"trial-{number:04}"


def _finite(numbers: dict[str, float]) -> dict[str, float]:
    """A number that is none has no place on a curve."""
    return {name: number for name, number in numbers.items() if isfinite(number)}
