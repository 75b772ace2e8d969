"""The stacked learner: many members trained as one set of tensors, each as if it were alone.

A member has its own weights, data order, noise, rates and count of epochs; what they share is the
shape and the moment at which an epoch ends. Equal to the plain learner up to rounding. Letters: K
members, B batch, T positions.
"""

import time
from collections.abc import Callable
from functools import partial
from itertools import count
from math import isfinite, log

import torch
from torch import Tensor, nn

from a3b_tune.models.tables import WORTH
from a3b_tune.training.compiling import pays
from a3b_tune.training.device import quickest
from a3b_tune.training.feed import Fed, Feed
from a3b_tune.training.learner import DIVERGED, Diverged, Epoch, Stopped, never, out_of_memory
from a3b_tune.training.members import Member, MemberNumbers
from a3b_tune.training.noises import WORDS, drop_words, dropout_layers, drops
from a3b_tune.training.plain import LOOK
from a3b_tune.training.prepared import Prepared
from a3b_tune.training.progress import begin, save
from a3b_tune.training.recipe import Recipe, recipe_from
from a3b_tune.training.shape import Shape
from a3b_tune.training.stack_step import (
    StackedModel,
    clip_members,
    count_right,
    member_norms,
)
from a3b_tune.training.stack_weights import StackWeights
from a3b_tune.training.whole_step import WholeStep

# The share of slots with a member from which working on all of them as one function is quicker.
WHOLE = 0.4


class StackedLearner:
    """Up to `slots` members of one shape.

    The same recipes in the same slots on the same device and thread count give the same epochs; in
    other company they agree up to rounding.
    """

    def __init__(
        self,
        shape: Shape,
        prepared: Prepared,
        slots: int,
        should_stop: Callable[[], bool] = never,
        epochs_ahead: int = 0,
    ) -> None:
        """`epochs_ahead` is how many epochs of the stack are expected: whether compiling pays."""
        self._prepared = prepared
        self._epochs_ahead = epochs_ahead
        self._slots = slots
        self._should_stop = should_stop
        self._recipe = recipe_from(dict(shape.settings), 0)
        training = self._recipe.training
        self._part = prepared.cut(self._recipe.max_length)
        size = None if training.batch_tokens else training.batch_size
        self._batches = self._part.batches(size, training.batch_tokens)
        self._names = count(1)
        self._members: list[Member] = []
        self._within = False
        self._changed()
        self._too_much = DIVERGED * log(max(2, prepared.classes))
        model = prepared.model(self._recipe)
        self._feed = Feed(self._batches)
        self._lazy = self._recipe.optimizer.name == "sparse_adam"
        # Steps of one size and no gathering can be done as one function.
        self._fits = self._batches.table is not None and not self._lazy
        cuda = prepared.device.type == "cuda"
        self._way = "capture" if self._fits and cuda else "no"
        self._compiles = not cuda
        self._weights = StackWeights(model, self._recipe.optimizer.name, slots)
        self._model = self._stacked(model)

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def room(self) -> int:
        return self._slots - len(self._members)

    def add(self, recipe: Recipe, saved: bytes | None = None) -> int:
        if not self.room:
            raise ValueError("no slot is free")
        model = self._prepared.model(recipe)
        begun = begin(recipe, model, len(self._batches), saved)
        self._weights.write(len(self._members), model, begun.moments, begun.step)
        if drops(model) and not self._model.drops:
            # The module that is called must have been built with dropout.
            self._model = self._stacked(model)
        layers = len(dropout_layers(model))
        member = Member.at(begun, next(self._names), recipe, len(self._batches), layers)
        self._members.append(member)
        self._changed()
        return member.name

    def remove(self, member: int) -> None:
        """Frees a slot; the last member moves into it, so that no row is worked on for nobody."""
        row = self._row(member)
        last = len(self._members) - 1
        if row != last:
            self._weights.move(last, row)
            self._members[row] = self._members[last]
        self._members.pop()
        self._changed()

    def save(self, member: int) -> bytes:
        row = self._row(member)
        own = self._members[row]
        if self._within or own.fault:
            raise ValueError("the last epoch was not ended")
        moments = self._weights.moments(row, own.recipe.optimizer)
        return save(own.recipe, self._weights.weights(row), own.progress(moments))

    def _row(self, member: int) -> int:
        return [other.name for other in self._members].index(member)

    def _changed(self) -> None:
        """What was worked out for these members holds no more."""
        self._numbers: MemberNumbers | None = None
        self._held = False

    def epoch(self) -> dict[int, Epoch | Diverged]:
        began = time.perf_counter()
        self._within = True
        mean_losses, norms = self._train()
        trained = time.perf_counter()
        scores = self._score()
        scored = time.perf_counter()
        self._within = False
        self._compile(trained - began)
        members = len(self._members)
        seconds, evaluation = (trained - began) / members, (scored - trained) / members
        found: dict[int, Epoch | Diverged] = {}
        for row, member in enumerate(self._members):
            member.done += 1
            found[member.name] = member.fault or Epoch(
                member.done, mean_losses[row], scores[row], norms[row], member.lr, seconds,
                evaluation,
            )  # fmt: skip
        return found

    def _stacked(self, model: nn.Module) -> StackedModel:
        """The module that is called for all, with the openings where they are few."""
        openings = self._part.openings
        tokens = max(self._batches.sizes) * self._part.longest
        if hasattr(model, "openings"):
            worth = len(openings.tokens) * self._prepared.vocabulary <= WORTH * tokens
            setattr(model, "openings", openings if worth else None)  # noqa: B010
        self._whole: WholeStep | None = None
        return StackedModel(model, self._prepared.autocast())

    def step_seconds(self, steps: int) -> float:
        """How long a step of all members takes at best, on a batch of middling length. The learner
        is not to be used after that."""
        fed = self._feed.middle(self._orders(), merge=self._merges())
        return quickest(partial(self._update, fed, False), steps, self._prepared.device)

    def step_bytes(self) -> int:
        """What a step on the longest batch holds, roughly: weights, gradients and two moments, what
        the backward pass keeps, and as much again that comes and goes."""
        kept = 0

        def keep(tensor: Tensor) -> Tensor:
            nonlocal kept
            kept += tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            self._update(self._feed.longest(self._orders(), merge=self._merges()), False)
        weights = self._weights.values(len(self._members))
        return 2 * kept + 4 * sum(weight.nbytes for weight in weights.values())

    def _orders(self) -> Tensor:
        """(K, N) the rows of every member's next epoch."""
        return torch.stack([self._batches.order(member.order) for member in self._members])

    def _read_numbers(self) -> MemberNumbers:
        if self._numbers is None:
            self._numbers = MemberNumbers(self._members, self._prepared.device)
        return self._numbers

    def _merges(self) -> bool:
        """Whether equal rows may be one: not where each has noise of its own."""
        noisy = self._model.drops or self._read_numbers().word_dropout is not None
        return not (self._lazy or noisy)

    def _train(self) -> tuple[list[float], list[float]]:
        """One pass of every member over its rows: mean losses and mean gradient norms."""
        members = self._members
        orders = self._orders()  # (K, N)
        totals = torch.zeros(len(members), device=orders.device)
        norms = torch.zeros_like(totals)
        rows = looks = 0
        last = len(self._batches) - 1
        for index, fed in enumerate(self._feed.epoch(orders, merge=self._merges())):
            if self._should_stop():
                raise Stopped
            look = index % LOOK == LOOK - 1 or index == last
            loss, norm = self._update(fed, look)
            totals += loss * fed.rows
            rows += fed.rows
            if look:
                assert norm is not None
                norms += norm
                looks += 1
                # On a GPU each look would wait for it: one at the end must do.
                if index == last or self._way != "capture":
                    self._check(totals, index + 1, rows)
        return (totals / rows).tolist(), (norms / looks).tolist()

    def _update(self, fed: Fed, look: bool) -> tuple[Tensor, Tensor | None]:
        """One step of every member: losses (K,), and gradient norms (K,) where they were needed."""
        taken = [member.step for member in self._members]
        lrs = [member.next_lr() for member in self._members]
        whole = self._whole_step() if fed.full else None
        if whole is not None and (whole.tells_norms or not look):
            try:
                return whole(fed, lrs, taken)
            except RuntimeError as error:
                if out_of_memory(error) or self._way != "compile":
                    raise
                # Whatever the compiler cannot do is done without it.
                self._way = "no"
        return self._step_by_step(fed, look, lrs, taken)

    def _whole_step(self) -> WholeStep | None:
        """The step as one function, where it is done so and enough of it is for somebody."""
        if self._way == "no" or len(self._members) < WHOLE * self._slots:
            return None
        if self._whole is None:
            self._whole = WholeStep(self._model, self._weights, self._slots, self._way)
            self._held = False
        if not self._held:
            self._whole.hold(self._members, self._read_numbers())
            self._held = True
        return self._whole

    def _step_by_step(
        self, fed: Fed, look: bool, lrs: list[float], taken: list[int]
    ) -> tuple[Tensor, Tensor | None]:
        """The step, operation by operation."""
        members, numbers = self._members, self._read_numbers()
        keys = numbers.noise_keys(taken)
        tokens = fed.tokens
        if numbers.word_dropout is not None:
            tokens = drop_words(tokens, numbers.word_dropout, keys[WORDS])
        leaves, tokens = self._weights.leaves(len(members), tokens)
        state = {**leaves, **self._weights.constants(len(members))}
        rates = self._weights.rates(len(members))
        loss = self._model.losses(
            state, rates, keys[WORDS + 1 :], tokens, fed.labels, fed.shares, numbers.smoothing
        )
        gradients = torch.autograd.grad(loss.sum(), list(leaves.values()))
        norm = None
        if numbers.clip is not None:
            norm = member_norms(gradients)
            clip_members(gradients, norm, numbers.clip)
        elif look:
            norm = member_norms(gradients)
        recipes = [member.recipe.optimizer for member in members]
        self._weights.step(leaves, gradients, recipes, lrs, [step + 1 for step in taken])
        return loss.detach(), norm

    def _compile(self, seconds: float) -> None:
        """Compiles the step if the epochs ahead, of `seconds` each, are long enough."""
        self._epochs_ahead -= 1
        full = len(self._members) == self._slots
        if self._compiles and full and pays(seconds * self._epochs_ahead):
            self._compiles = False
            if self._fits:
                self._way = "compile"
            else:
                self._weights.compile()

    def _check(self, totals: Tensor, step: int, rows: int) -> None:
        for member, loss in zip(self._members, (totals / rows).tolist(), strict=True):
            if member.fault is None and (not isfinite(loss) or loss > self._too_much):
                where = f"step {step} of epoch {member.done + 1}"
                member.fault = Diverged(f"mean loss {loss:.3g} by {where}")

    def _score(self) -> list[float]:
        """Every member's share of validation rows whose class it names."""
        members, part = len(self._members), self._part
        weights = self._weights.values(members) | self._weights.constants(members)
        right = count_right(self._model, weights, part.validation, self._prepared.vocabulary)
        shares: list[float] = (right.double() / part.validation_rows).tolist()
        return shares
