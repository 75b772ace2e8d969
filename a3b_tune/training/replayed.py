"""A step whose every input lies in a place of its own, so that a GPU can play it back.

On a GPU the step of a small stack is hundreds of launches of a few microseconds each. Captured once
as a CUDA graph it is one launch; what changes from step to step (rows, rates, keys of noise) is
copied to where the graph reads it, and nothing is read back. All slots are worked on, those without
a member too: on a GPU they cost nothing. Letters: K slots, B batch, T positions, L dropout layers.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from a3b_tune.models.noise import keys
from a3b_tune.training.feed import Fed
from a3b_tune.training.member_optimizers import MemberRates
from a3b_tune.training.members import Member, MemberNumbers
from a3b_tune.training.noises import WORDS, drop_words
from a3b_tune.training.stack_step import StackedModel, clip_members, member_norms
from a3b_tune.training.stack_weights import StackWeights

# Runs before the capture, in which libraries choose their kernels and take their memory.
WARM_UP = 3


def replays(device: torch.device) -> bool:
    """Whether steps on a device should be played back."""
    return device.type == "cuda"


class ReplayedStep:
    """The step of a full batch. On a device that is no GPU it is run, not played back."""

    def __init__(self, model: StackedModel, weights: StackWeights, slots: int) -> None:
        self._model = model
        self._weights = weights
        self._slots = slots
        self._members = 0
        self._numbers: MemberNumbers | None = None
        self._fed: Fed | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._out: tuple[Tensor, Tensor] | None = None

    def hold(self, members: Sequence[Member], numbers: MemberNumbers) -> None:
        """These are the first rows from now on. The graph stays as it is unless they need what the
        last ones did not (clipping, say)."""
        self._members = len(members)
        recipes = [member.recipe.optimizer for member in members]
        idle = self._slots - len(members)
        device = numbers.streams.device
        # No rate moves an idle row.
        rates = MemberRates.of(recipes + idle * recipes[:1], [0.0] * self._slots, device)
        padded = numbers.padded(self._slots)
        if self._numbers is None or not self._numbers.like(padded):
            self._numbers, self._rates, self._graph = padded, rates, None
            self._steps = torch.zeros(self._slots, 1, dtype=torch.int32, device=device)
        else:
            self._numbers.copy_(padded)
            self._rates.copy_(rates)

    def __call__(
        self, fed: Fed, lrs: Sequence[float], steps: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """One step: losses and gradient norms of the members.

        :param steps: how many steps each has taken before.
        """
        count = self._members
        self._rates.lr[:count].copy_(torch.tensor(lrs), non_blocking=True)
        self._steps[:count, 0].copy_(torch.tensor(steps, dtype=torch.int32), non_blocking=True)
        self._read(fed)
        if not self._steps.is_cuda:
            loss, norm = self._run()
        else:
            if self._graph is None:
                self._capture()
            assert self._graph is not None
            assert self._out is not None
            self._graph.replay()
            loss, norm = self._out
        return loss[:count], norm[:count]

    def _read(self, fed: Fed) -> None:
        """Copies rows to where the graph reads them."""
        merged = fed.shares is not None
        if self._fed is None or merged != (self._fed.shares is not None):
            self._graph, self._fed = None, fed
            if fed.shares is not None:
                self._fed = replace(fed, shares=self._room(fed.shares))
            else:
                self._fed = replace(
                    fed, tokens=self._room(fed.tokens), labels=self._room(fed.labels)
                )
        if self._fed.shares is not None and fed.shares is not None:
            self._fed.shares[: self._members].copy_(fed.shares)
        else:
            self._fed.tokens[: self._members].copy_(fed.tokens)
            self._fed.labels[: self._members].copy_(fed.labels)

    def _room(self, tensor: Tensor) -> Tensor:
        """A row for every slot."""
        return tensor.new_zeros(self._slots, *tensor.shape[1:])

    def _run(self) -> tuple[Tensor, Tensor]:
        """The step itself, from and to fixed places."""
        fed, numbers = self._fed, self._numbers
        assert fed is not None
        assert numbers is not None
        found = list(keys(numbers.streams, self._steps).unbind(1))
        tokens = fed.tokens
        if numbers.word_dropout is not None:
            tokens = drop_words(tokens, numbers.word_dropout, found[WORDS])
        leaves, tokens = self._weights.leaves(self._slots, tokens)
        state = {**leaves, **self._weights.constants(self._slots)}
        loss = self._model.losses(
            state, self._weights.rates(self._slots), found[WORDS + 1 :], tokens, fed.labels,
            fed.shares, numbers.smoothing,
        )  # fmt: skip
        gradients = torch.autograd.grad(loss.sum(), list(leaves.values()))
        norm = member_norms(gradients)
        if numbers.clip is not None:
            clip_members(gradients, norm, numbers.clip)
        self._weights.step_together(leaves, gradients, self._rates)
        return loss.detach(), norm

    def _capture(self) -> None:
        before = self._weights.copies()
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._run()
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._out = self._run()
        # The runs before the capture were for nobody; the capture itself moved nothing.
        self._weights.restore(before)
