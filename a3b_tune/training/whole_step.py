"""A step as one function, from the rows it reads to the weights it leaves: compiled, or played back
by a GPU.

Called operation by operation, a step of a stack is hundreds of small ones, each of which writes
down what the next reads. Compiled it is a few loops; captured as a CUDA graph it is one launch. All
slots are worked on, those without a member too. Letters: K slots, B batch, T positions, L dropout
layers.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from a3b_tune.models.noise import keys
from a3b_tune.training.compiling import compiled
from a3b_tune.training.feed import Fed
from a3b_tune.training.member_optimizers import MemberRates
from a3b_tune.training.members import Member, MemberNumbers
from a3b_tune.training.noises import WORDS, drop_words
from a3b_tune.training.stack_step import StackedModel, clip_members, member_norms
from a3b_tune.training.stack_weights import StackWeights

# Runs before a capture, in which libraries choose their kernels and take their memory.
WARM_UP = 3

Step = Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor | None]]


class WholeStep:
    """The step of a full batch. `way` says how it is done: "compile" it, "capture" it on a GPU, or
    just "run" it. Not for embeddings that are gathered."""

    def __init__(
        self,
        model: StackedModel,
        weights: StackWeights,
        slots: int,
        way: str,
        accumulate: int = 1,
    ) -> None:
        self._model = model
        self._accumulate = accumulate
        self._weights = weights
        self._slots = slots
        self._way = way
        self._members = 0
        self._numbers: MemberNumbers | None = None
        self._fed: Fed | None = None
        self._step: Step | None = None

    @property
    def tells_norms(self) -> bool:
        """Whether each step tells the gradients' norms: compiled, they would cost more than they
        are worth where nothing is clipped."""
        clips = self._numbers is not None and self._numbers.clip is not None
        return clips or self._way != "compile"

    def hold(self, members: Sequence[Member], numbers: MemberNumbers) -> None:
        """These are the first rows from now on. What was compiled or captured stays unless they
        need what the last ones did not (clipping, say)."""
        self._members = len(members)
        recipes = [member.recipe.optimizer for member in members]
        idle = self._slots - len(members)
        device = numbers.streams.device
        # No rate moves an idle row.
        rates = MemberRates(recipes + idle * recipes[:1], device, self._weights.dtype)
        rates.lr.zero_()
        padded = numbers.padded(self._slots)
        if self._numbers is None or not self._numbers.like(padded):
            self._numbers, self._rates, self._step = padded, rates, None
            self._taken = torch.zeros(self._slots, 1, dtype=torch.int32, device=device)
        else:
            self._numbers.copy_(padded)
            self._rates.copy_(rates)

    @torch.no_grad()
    def __call__(
        self, fed: Fed, lrs: Sequence[float], taken: Sequence[int]
    ) -> tuple[Tensor, Tensor | None]:
        """One step: losses and, where `tells_norms`, gradient norms of the members.

        :param taken: how many steps each has taken before.
        """
        count = self._members
        self._rates.set(lrs, [step + 1 for step in taken])
        self._taken[:count, 0].copy_(torch.tensor(taken, dtype=torch.int32), non_blocking=True)
        # A graph reads where it read when it was captured; compiled code reads what it is given.
        if count < self._slots or self._way == "capture":
            fed = self._placed(fed)
        if self._step is None:
            self._step = self._prepared(fed)
        loss, norm = self._step(fed.tokens, fed.labels, fed.shares)
        return loss[:count], None if norm is None else norm[:count]

    def _placed(self, fed: Fed) -> Fed:
        """Rows for every slot, always in the same place."""
        merged = fed.shares is not None
        if self._fed is None or merged != (self._fed.shares is not None):
            if fed.shares is not None:
                self._fed = replace(fed, shares=self._room(fed.shares))
            else:
                self._fed = replace(
                    fed, tokens=self._room(fed.tokens), labels=self._room(fed.labels)
                )
            if self._way == "capture":
                self._step = None
        if self._fed.shares is not None and fed.shares is not None:
            self._fed.shares[: self._members].copy_(fed.shares)
        else:
            self._fed.tokens[: self._members].copy_(fed.tokens)
            self._fed.labels[: self._members].copy_(fed.labels)
        return self._fed

    def _room(self, tensor: Tensor) -> Tensor:
        """A row for every slot."""
        return tensor.new_zeros(self._slots, *tensor.shape[1:])

    def _prepared(self, fed: Fed) -> Step:
        if self._way == "compile":
            return compiled(self._run)
        return self._captured(fed) if self._way == "capture" else self._run

    def _run(
        self, tokens: Tensor, labels: Tensor, shares: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """The step itself, for all slots."""
        numbers, count = self._numbers, self._accumulate
        assert numbers is not None
        parts = [(tokens, labels, shares)]
        if count > 1:
            cut = zip(tokens.chunk(count, 1), labels.chunk(count, 1), strict=True)
            parts = [(*part, None) for part in cut]
        loss, gradients = self._gradients(*parts[0], 0)
        for number, part in enumerate(parts[1:], 1):
            more, found = self._gradients(*part, number)
            loss = loss + more
            gradients = {name: gradient + found[name] for name, gradient in gradients.items()}
        norm = member_norms(gradients.values()) if self.tells_norms else None
        if numbers.clip is not None and norm is not None:
            clip_members(gradients.values(), norm, numbers.clip)
        self._weights.step_together(gradients, self._rates)
        return loss, norm

    def _gradients(
        self, tokens: Tensor, labels: Tensor, shares: Tensor | None, part: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Losses (slots,) of one part of a batch, and gradients."""
        numbers, slots = self._numbers, self._slots
        assert numbers is not None
        found = list(keys(numbers.streams, self._taken * self._accumulate + part).unbind(1))
        if numbers.word_dropout is not None:
            tokens = drop_words(tokens, numbers.word_dropout, found[WORDS])
        constants, rates = self._weights.constants(slots), self._weights.rates(slots)

        def total(weights: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
            loss = self._model.losses(
                {**weights, **constants}, rates, found[WORDS + 1 :], tokens, labels, shares,
                numbers.smoothing,
            )  # fmt: skip
            if self._accumulate > 1:
                loss = loss / self._accumulate
            return loss.sum(), loss

        gradients, loss = torch.func.grad(total, has_aux=True)(self._weights.values(slots))
        return loss, gradients

    def _captured(self, fed: Fed) -> Step:
        rows = (fed.tokens, fed.labels, fed.shares)
        before = self._weights.copies()
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._run(*rows)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            out = self._run(*rows)
        # The runs before the capture were for nobody; the capture itself moved nothing.
        self._weights.restore(before)

        def replay(*_: Tensor | None) -> tuple[Tensor, Tensor | None]:
            graph.replay()
            return out

        return replay
