"""The members of a stack: what each was asked for, how far it is, and its numbers as tensors.

Knows no weights and no model. Letters: K members, L dropout layers.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from math import inf
from typing import Self

import torch
from torch import Tensor

from a3b_tune.models.noise import keys
from a3b_tune.training.learner import Diverged
from a3b_tune.training.noises import WORDS, streams
from a3b_tune.training.optimizers import Moments
from a3b_tune.training.progress import Progress
from a3b_tune.training.recipe import Recipe
from a3b_tune.training.schedule import rate_factor


@dataclass
class Member:
    """One trial in the stack. `steps` it would take in all, `step` is how many it has taken, `done`
    how many epochs; `order` shuffles its rows; `streams` are those of its noise; `fault` is set
    once its loss has gone out of bounds."""

    name: int
    recipe: Recipe
    steps: int
    order: torch.Generator
    streams: list[int]
    done: int = 0
    step: int = 0
    lr: float = 0.0
    fault: Diverged | None = None

    @classmethod
    def at(cls, begun: Progress, name: int, recipe: Recipe, batches: int, layers: int) -> Self:
        """A member that begins where `begun` says; its epochs have so many batches, its model so
        many dropout layers."""
        steps, noise = batches * recipe.training.rounds, streams(recipe.seed, layers)
        return cls(name, recipe, steps, begun.order, noise, begun.done, begun.step)

    def progress(self, moments: Moments) -> Progress:
        """How far it is, its optimizer's moments being these."""
        return Progress(self.done, self.step, self.order, moments)

    def next_lr(self) -> float:
        """The rate of the step that is taken now, which is counted."""
        training = self.recipe.training
        factor = rate_factor(self.step, self.steps, training.warmup, training.schedule)
        self.lr = self.recipe.optimizer.lr * factor
        self.step += 1
        return self.lr


class MemberNumbers:
    """What members differ in beside weights and rates, (K,) each; None where none has any."""

    def __init__(self, members: Sequence[Member], device: torch.device) -> None:
        training = [member.recipe.training for member in members]

        def column(numbers: list[float]) -> Tensor | None:
            dtype = torch.get_default_dtype()
            return torch.tensor(numbers, dtype=dtype, device=device) if any(numbers) else None

        self.smoothing = column([t.label_smoothing for t in training])
        self.word_dropout = column([t.word_dropout for t in training])
        self.clip = None
        if any(t.clip is not None for t in training):
            self.clip = column([inf if t.clip is None else t.clip for t in training])
        self.streams = torch.tensor(
            [member.streams for member in members], dtype=torch.int32, device=device
        )  # (K, 1 + L)
        self._noisy = self.word_dropout is not None or len(members[0].streams) > WORDS + 1

    def like(self, other: "MemberNumbers") -> bool:
        """Whether the two have the same tensors."""
        return all(
            (a is None) == (b is None) for a, b in zip(self._all(), other._all(), strict=True)
        )

    def copy_(self, other: "MemberNumbers") -> None:
        """Takes over the numbers of another one that is like this."""
        for own, new in zip(self._all(), other._all(), strict=True):
            if own is not None and new is not None:
                own.copy_(new)

    def _all(self) -> tuple[Tensor | None, ...]:
        return self.smoothing, self.word_dropout, self.clip, self.streams

    def padded(self, slots: int) -> "MemberNumbers":
        """The same with rows of zeros (for clipping, ones) up to `slots`."""
        found = copy(self)
        for name in ("smoothing", "word_dropout", "clip", "streams"):
            tensor = getattr(self, name)
            if tensor is not None:
                rest = tensor.new_full((slots - len(tensor), *tensor.shape[1:]), name == "clip")
                setattr(found, name, torch.cat([tensor, rest]))
        return found

    def noise_keys(self, taken: Sequence[int]) -> list[Tensor]:
        """The keys (K,) for words, then for each dropout layer, of members that have taken so many
        steps before."""
        if not self._noisy:
            return []
        steps = torch.tensor(taken, dtype=torch.int32, device=self.streams.device)
        found = keys(self.streams, steps.unsqueeze(1))
        return list(found.unbind(1))
