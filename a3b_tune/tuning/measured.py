"""What is stored of an epoch, and an epoch of what is stored.

The study's value stands under its metric's name, other scores beside it. Knows no trial.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from a3b_tune.training import Epoch
from a3b_tune.training.learner import Look

# What every epoch has; all else but the looks and the sample is a score.
PLAIN = ("epoch", "loss", "gradient_norm", "lr", "seconds", "evaluation_seconds")
LOOKS, SAMPLE = "looks", "sample"


def epoch_record(epoch: Epoch, metric: str = "accuracy") -> dict[str, Any]:
    """An epoch as an attribute holds it."""
    record = {name: getattr(epoch, name) for name in PLAIN}
    record |= {metric: epoch.value, **epoch.scores}
    if epoch.looks:
        record[LOOKS] = [[getattr(look, f.name) for f in fields(Look)] for look in epoch.looks]
    if epoch.sample is not None:
        record[SAMPLE] = epoch.sample
    return record


def epoch_of(record: Mapping[str, Any], metric: str = "accuracy") -> Epoch:
    """The epoch of such an attribute."""
    known = {*PLAIN, metric, LOOKS, SAMPLE}
    return Epoch(
        **{name: record[name] for name in PLAIN},
        value=record[metric],
        scores={name: score for name, score in record.items() if name not in known},
        looks=tuple(Look(*look) for look in record.get(LOOKS, ())),
        sample=record.get(SAMPLE),
    )
