"""The gradients of one step of a stack, batch by batch or in parts whose gradients add up.

Knows no optimizer. Letters: K members, B batch, T positions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from a3b_tune.training.feed import Fed
from a3b_tune.training.members import MemberNumbers
from a3b_tune.training.noises import WORDS, drop_words
from a3b_tune.training.stack_step import StackedModel
from a3b_tune.training.stack_weights import StackWeights

Found = tuple[Tensor, dict[str, Tensor], Sequence[Tensor]]


class StackGradients:
    """Takes each batch in `accumulate` parts."""

    def __init__(self, weights: StackWeights, accumulate: int) -> None:
        self._weights = weights
        self._accumulate = accumulate

    def of(
        self, model: StackedModel, numbers: MemberNumbers, fed: Fed, taken: Sequence[int]
    ) -> Found:
        """The losses (K,), the weights that were read, and their gradients, of members that have
        taken so many steps before."""
        parts = fed.parts(self._accumulate)
        loss, leaves, gradients = self._part(model, numbers, parts[0], taken, 0)
        for number, part in enumerate(parts[1:], 1):
            more, leaves, found = self._part(model, numbers, part, taken, number)
            loss = loss + more
            gradients = [one + other for one, other in zip(gradients, found, strict=True)]
        return loss, leaves, gradients

    def _part(
        self,
        model: StackedModel,
        numbers: MemberNumbers,
        fed: Fed,
        taken: Sequence[int],
        part: int,
    ) -> Found:
        count = len(taken)
        # Each part has noise of its own.
        keys = numbers.noise_keys([step * self._accumulate + part for step in taken])
        tokens = fed.tokens
        if numbers.word_dropout is not None:
            tokens = drop_words(tokens, numbers.word_dropout, keys[WORDS])
        leaves, tokens = self._weights.leaves(count, tokens)
        state = {**leaves, **self._weights.constants(count)}
        rates = self._weights.rates(count)
        loss = model.losses(
            state, rates, keys[WORDS + 1 :], tokens, fed.labels, fed.shares, numbers.smoothing
        )
        if self._accumulate > 1:
            loss = loss / self._accumulate
        return loss.detach(), leaves, torch.autograd.grad(loss.sum(), list(leaves.values()))
