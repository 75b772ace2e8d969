"""What trials must have in common to be trained as one stack.

Knows nothing of tensors: it sorts a trial's settings into those that are a number per member and
those that decide the shape of a step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from a3b_tune.study import Scalar

MEMBER_SETTINGS: frozenset[str] = frozenset(
    {
        "model.dropout",
        "model.embedding_std",
        "optimizer.lr",
        "optimizer.weight_decay",
        "optimizer.momentum",
        "optimizer.beta1",
        "optimizer.beta2",
        "training.epochs",
        "training.steps",
        "training.warmup",
        "training.schedule",
        "training.clip",
        "training.label_smoothing",
        "training.word_dropout",
        "samples.temperature",
    }
)
"""Settings that may differ between the members of a stack: each is a number per member, or says
only how a member begins or how long it runs. All other settings are its shape."""


@dataclass(frozen=True)
class Shape:
    """The settings that all members of a stack share, sorted by name."""

    settings: tuple[tuple[str, Scalar], ...]

    @classmethod
    def of(cls, settings: Mapping[str, Scalar]) -> Self:
        """The shape of a trial with these settings, by their flat names (`model.heads`)."""
        return cls(tuple(sorted((k, v) for k, v in settings.items() if k not in MEMBER_SETTINGS)))

    def fits(self, settings: Mapping[str, Scalar]) -> bool:
        """Whether a trial with these settings can be a member."""
        return Shape.of(settings) == self
