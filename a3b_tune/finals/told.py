"""What stands beside a trained model: how good it is, and where it comes from; and the note of a
test that its study keeps.

Knows neither how it was trained nor how any of this is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from a3b_tune.finals.statistics import mean_interval
from a3b_tune.finals.training import Chosen, Ended
from a3b_tune.study import Metric
from a3b_tune.training import Epoch

TEST, VALIDATION = "test", "validation"


@dataclass(frozen=True)
class Verdict:
    """What the seeds of a training came to on one `part` of the data: the `value` of the kept
    model, that of the first seed, and, where there are more, their mean and half of its 95 %
    interval. Seeds that came to nothing are not in the mean."""

    part: str
    metric: Metric
    seeds: Sequence[Ended]

    @property
    def value(self) -> float:
        value = self.seeds[0].value
        assert value is not None
        return value

    @property
    def values(self) -> list[float]:
        return [one.value for one in self.seeds if one.value is not None and one.fault is None]

    @property
    def mean(self) -> tuple[float, float] | None:
        return mean_interval(self.values) if len(self.values) > 1 else None

    def metrics(self, chosen: Chosen) -> dict[str, Any]:
        """As metrics.json has it. `epochs` are those of the kept model."""
        mean = self.mean
        return {
            "metric": self.metric.name,
            "part": self.part,
            "value": self.value,
            "scores": dict(self.seeds[0].scores or {}),
            "mean": None if mean is None else mean[0],
            "half_of_95_percent_interval": None if mean is None else mean[1],
            "seeds": [
                {"seed": one.seed, "value": one.value, "scores": one.scores, "fault": one.fault}
                for one in self.seeds
            ],
            "search_said": {"value": chosen.value, "trial": chosen.number},
            "validation_was_trained_on": self.part == TEST,
            "epochs": [_epoch(epoch, self.metric) for epoch in self.seeds[0].epochs],
        }

    def note(self, chosen: Chosen, data_hash: str, when: datetime) -> dict[str, Any]:
        """What the study keeps of a test."""
        mean = self.mean
        return {
            "when": when.isoformat(timespec="seconds"),
            "trial": chosen.number,
            "metric": self.metric.name,
            "value": self.value if mean is None else mean[0],
            "half": None if mean is None else mean[1],
            "seeds": {str(one.seed): one.value for one in self.seeds},
            "data_hash": data_hash,
        }


def _epoch(epoch: Epoch, metric: Metric) -> dict[str, Any]:
    return {
        "epoch": epoch.epoch,
        "loss": epoch.loss,
        f"validation_{metric.name}": epoch.value,
        "lr": epoch.lr,
        "seconds": round(epoch.seconds + epoch.evaluation_seconds, 3),
        **epoch.scores,
    }
