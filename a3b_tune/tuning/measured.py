"""What is stored of an epoch, and an epoch of what is stored.

The study's value stands under its metric's name, other scores beside it. Knows no trial but by its
settings.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from a3b_tune.study import Scalar
from a3b_tune.training import Epoch
from a3b_tune.training.learner import Look
from a3b_tune.tuning.scores import LOOKS, PLAIN, SAMPLE, scores_of

__all__ = ["LOOKS", "SAMPLE", "epoch_of", "epoch_record", "rounds_of"]


def rounds_of(settings: Mapping[str, Scalar]) -> int:
    """How many epochs a trial of these settings has if nothing ends it; of a text, evaluations."""
    if "training.steps" in settings:
        return int(settings["training.steps"]) // int(settings["training.evaluate_every"])
    return int(settings["training.epochs"])


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
    return Epoch(
        **{name: record[name] for name in PLAIN},
        value=record[metric],
        scores=scores_of(record, metric),
        looks=tuple(Look(*look) for look in record.get(LOOKS, ())),
        sample=record.get(SAMPLE),
    )
