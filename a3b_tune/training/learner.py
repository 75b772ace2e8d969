"""What a learner is, whichever way it trains: members go in, an epoch of each comes out.

Knows neither models nor tensors, and no Optuna: whoever reads the epochs decides which members go
on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch

from a3b_tune.training.recipe import Recipe

# A mean loss this many times that of guessing is given up.
DIVERGED = 100.0


class Diverged(Exception):
    """The loss is not a number, or far above that of guessing; the text says where."""


class Stopped(Exception):
    """Training was asked to stop between two steps."""


@dataclass(frozen=True)
class Look:
    """Some steps between two evaluations, by the last of them: `step`, counted from 1 at the start
    of the trial, `loss` and `gradient_norm` as means over them, and the rate `lr` of the last."""

    step: int
    loss: float
    gradient_norm: float
    lr: float


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to: of rows one pass over them, of text the steps between two
    evaluations. `loss` is the mean over its training rows or tokens (natural logarithm), `value`
    what the study goes by (the accuracy of the validation rows, or the bits of the last token of
    fixed validation windows), `gradient_norm` the mean over the steps looked at, `lr` the rate of
    its last step, `seconds` the training and `evaluation_seconds` the scoring. `scores` is what
    else was measured, by name; `looks` and `sample` are of text alone."""

    epoch: int
    loss: float
    value: float
    gradient_norm: float
    lr: float
    seconds: float
    evaluation_seconds: float
    scores: Mapping[str, float] = field(default_factory=dict)
    looks: tuple[Look, ...] = ()
    sample: str | None = None


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out; PyTorch's CPU allocator says so in a plain
    RuntimeError."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or "can't allocate memory" in str(error)


def never() -> bool:
    """The default of `should_stop`."""
    return False


class Learner(Protocol):
    """Trains up to `slots` members of one shape, all of them an epoch at a time."""

    @property
    def slots(self) -> int:
        """How many members it can hold."""

    @property
    def room(self) -> int:
        """How many of its slots are free."""

    def add(self, recipe: Recipe, saved: bytes | None = None) -> int:
        """Puts a new member into a free slot. The others do not notice.

        :param saved: what `save` of any learner gave for this recipe: the member goes on with the
            epoch after that. None gives it fresh weights from the recipe's seed, its first epoch
            ahead.
        :returns: what the member is called from now on; no name is given twice.
        :raises ValueError: no slot is free, or the recipe is of another shape.
        :raises BadSnapshot: it cannot go on from `saved`; no slot is taken.
        """

    def save(self, member: int) -> bytes:
        """A member as it is between two epochs. Nothing is changed by that.

        :raises ValueError: the last epoch was not ended, or the member has diverged in it.
        """

    def final(self, member: int) -> Mapping[str, float]:
        """The scores that only a trial's last epoch has, of a member that is ended before it; none
        for rows.

        :raises Stopped: `should_stop` said so.
        """

    def model_bytes(self, member: int) -> bytes:
        """A member's model as it is now, as `kept_model.open_model` reads it.

        :raises ValueError: the data is rows, whose models are not kept.
        """

    def remove(self, member: int) -> None:
        """Frees a member's slot."""

    def epoch(self) -> dict[int, Epoch | Diverged]:
        """Trains every member for its next epoch and scores it.

        Members may be at different epochs of their own. The times in each `Epoch` are the member's
        share: those of the stack, divided by its members. One that has diverged is to be removed.

        :raises Stopped: `should_stop` said so; what was done of the epoch is lost.
        """
