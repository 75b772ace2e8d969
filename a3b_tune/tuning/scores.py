"""Under which names an epoch's parts are stored, and which of them are scores. Knows no trial."""

from collections.abc import Mapping
from typing import Any

# What every epoch has; all else but its value, its looks and its sample is a score.
PLAIN = ("epoch", "loss", "gradient_norm", "lr", "seconds", "evaluation_seconds")
LOOKS, SAMPLE = "looks", "sample"


def scores_of(record: Mapping[str, Any], metric: str) -> dict[str, float]:
    """What was measured in a stored epoch beside its value, by name."""
    known = {*PLAIN, metric, LOOKS, SAMPLE}
    return {name: score for name, score in record.items() if name not in known}
