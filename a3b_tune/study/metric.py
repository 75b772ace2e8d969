"""What a study makes as good as can be: which way is better, and how it is called.

Knows neither trials nor how a value is measured.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A validation value by its `name`; `sign` is 1 where a larger value is better, else -1.

    `title` is for a person, `curve` what a trial's values are called together; `perfect` is a value
    after which nothing is left to learn, and `worst` what a trial has that never got to a value;
    None where there is no such number.
    """

    name: str
    sign: float
    title: str
    curve: str
    perfect: float | None = None
    worst: float | None = None

    def key(self, value: float) -> float:
        """A number that is larger the better the value is; of that number, the value again."""
        return self.sign * value

    def better(self, first: float, second: float) -> bool:
        """Whether the first of two values is better; equal ones are not."""
        return self.key(first) > self.key(second)

    def best(self, values: Iterable[float]) -> float | None:
        """The best of some values; None of none."""
        return max(values, key=self.key, default=None)

    def best_epoch(self, values: Mapping[int, float]) -> int | None:
        """The first epoch with the best value of a trial's values by epoch; None of none."""
        return max(values, key=lambda epoch: (self.key(values[epoch]), -epoch), default=None)


ACCURACY = Metric("accuracy", 1.0, "validation accuracy", "accuracies", perfect=1.0, worst=0.0)
BITS = Metric("bits", -1.0, "validation bits per token", "bits")
METRICS = {metric.name: metric for metric in (ACCURACY, BITS)}
"""By name, as [study] of a study file has it."""
