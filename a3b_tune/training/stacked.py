"""The stacked learner: many members trained as one set of tensors, each as if it were alone.

A member has its own weights, data order, noise, rates and count of epochs; what they share is the
shape and the moment at which an epoch ends. Equal to the plain learner up to rounding. Letters: K
members, B batch, T positions.
"""

import time
from collections.abc import Callable, Mapping
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
from a3b_tune.training.looking import Looking
from a3b_tune.training.members import Member, MemberNumbers
from a3b_tune.training.noises import dropout_layers, drops
from a3b_tune.training.part import Crew, Scored
from a3b_tune.training.prepared import Prepared
from a3b_tune.training.progress import begin, save
from a3b_tune.training.recipe import Recipe, recipe_from
from a3b_tune.training.shape import Shape
from a3b_tune.training.stack_gradients import StackGradients
from a3b_tune.training.stack_step import StackedModel, clip_members, kept_bytes, member_norms
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
        self._part = prepared.cut(self._recipe.max_length)
        self._batches = self._part.batches(self._recipe.training)
        self._names = count(1)
        self._members: list[Member] = []
        self._within = False
        self._changed()
        self._too_much = DIVERGED * log(max(2, self._part.outputs))
        model = prepared.model(self._recipe)
        self._feed = Feed(self._batches)
        self._lazy = self._recipe.optimizer.name == "sparse_adam"
        # Steps of one size and no gathering can be done as one function.
        self._fits = self._batches.table is not None and not self._lazy
        cuda = prepared.device.type == "cuda"
        self._way = "capture" if self._fits and cuda else "no"
        self._compiles = not cuda
        self._weights = StackWeights(model, self._recipe.optimizer.name, slots)
        self._gradients = StackGradients(self._weights, self._recipe.training.accumulate)
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
        first = [member.step for member in self._members]
        looking = self._train()
        trained = time.perf_counter()
        scored = self._score()
        ended = time.perf_counter()
        self._within = False
        self._compile(trained - began)
        members = len(self._members)
        seconds, evaluation = (trained - began) / members, (ended - trained) / members
        losses, norms, looks = looking.losses.tolist(), looking.norms.tolist(), looking.told(first)
        found: dict[int, Epoch | Diverged] = {}
        for row, (member, own) in enumerate(zip(self._members, scored, strict=True)):
            member.done += 1
            found[member.name] = member.fault or Epoch(
                member.done, losses[row], own.value, norms[row], member.lr, seconds, evaluation,
                own.scores, looks[row], own.sample,
            )  # fmt: skip
        return found

    def final(self, member: int) -> Mapping[str, float]:
        row = self._row(member)
        return self._part.final(self._alone(row), self._members[row].recipe, self._should_stop)

    def model_bytes(self, member: int) -> bytes:
        row = self._row(member)
        return self._part.packed(self._weights.weights(row), self._members[row].recipe)

    def _stacked(self, model: nn.Module) -> StackedModel:
        """The module that is called for all, with the openings where they are few."""
        openings = self._part.openings
        tokens = max(self._batches.sizes) * self._part.longest
        if openings is not None and hasattr(model, "openings"):
            worth = len(openings.tokens) * self._prepared.vocabulary <= WORTH * tokens
            setattr(model, "openings", openings if worth else None)  # noqa: B010
        self._whole: WholeStep | None = None
        self._module = model
        return StackedModel(model, self._prepared.autocast())

    def step_seconds(self, steps: int) -> float:
        """How long a step of all members takes at best, on a batch of middling length. The learner
        is not to be used after that."""
        fed = self._feed.middle(self._orders(), merge=self._merges())
        return quickest(partial(self._update, fed, False), steps, self._prepared.device)

    def step_bytes(self) -> int:
        """What a step on the longest batch holds, roughly: weights, gradients and two moments, what
        the backward pass keeps, and as much again that comes and goes."""
        fed = self._feed.longest(self._orders(), merge=self._merges())
        kept = kept_bytes(partial(self._update, fed, False))
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

    def _train(self) -> Looking:
        """The steps of every member's next round: what was seen of them."""
        members = self._members
        orders = self._orders()  # (K, N)
        like = torch.zeros(len(members), device=self._prepared.device)
        looking = Looking(len(self._batches), self._part.has_looks, like)
        last = len(self._batches) - 1
        for index, fed in enumerate(self._feed.epoch(orders, merge=self._merges())):
            if self._should_stop():
                raise Stopped
            look = looking.at(index)
            loss, norm = self._update(fed, look)
            looking.add(loss, fed.rows)
            if look:
                assert norm is not None
                looking.look(norm, [member.lr for member in members])
                # On a GPU each look would wait for it: one at the end must do.
                if index == last or self._way != "capture":
                    self._check(looking.losses, index + 1)
        return looking

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
            accumulate = self._recipe.training.accumulate
            self._whole = WholeStep(self._model, self._weights, self._slots, self._way, accumulate)
            self._held = False
        if not self._held:
            self._whole.hold(self._members, self._read_numbers())
            self._held = True
        return self._whole

    def _step_by_step(
        self, fed: Fed, look: bool, lrs: list[float], taken: list[int]
    ) -> tuple[Tensor, Tensor | None]:
        """The step, operation by operation."""
        numbers = self._read_numbers()
        loss, leaves, gradients = self._gradients.of(self._model, numbers, fed, taken)
        norm = None
        if numbers.clip is not None:
            norm = member_norms(gradients)
            clip_members(gradients, norm, numbers.clip)
        elif look:
            norm = member_norms(gradients)
        recipes = [member.recipe.optimizer for member in self._members]
        self._weights.step(leaves, gradients, recipes, lrs, [step + 1 for step in taken])
        return loss, norm

    def _compile(self, seconds: float) -> None:
        """Compiles the step if the epochs ahead, of `seconds` each, are long enough."""
        self._epochs_ahead -= 1
        full = len(self._members) == self._slots
        ahead = seconds * self._epochs_ahead
        if self._compiles and full and pays(ahead, of_text=self._part.has_looks):
            self._compiles = False
            if self._fits:
                self._way = "compile"
            else:
                self._weights.compile()

    def _check(self, losses: Tensor, step: int) -> None:
        for member, loss in zip(self._members, losses.tolist(), strict=True):
            if member.fault is None and (not isfinite(loss) or loss > self._too_much):
                where = f"step {step} of epoch {member.done + 1}"
                member.fault = Diverged(f"mean loss {loss:.3g} by {where}")

    def _score(self) -> list[Scored]:
        """Every member's scores."""
        members, count = self._members, len(self._members)
        crew = Crew(
            self._model,
            self._weights.values(count) | self._weights.constants(count),
            self._alone,
            [member.recipe for member in members],
            [member.done + 1 == member.recipe.training.rounds for member in members],
            [member.fault is not None for member in members],
        )
        scored = self._part.score_all(crew, self._should_stop)
        for member, own in zip(members, scored, strict=True):
            if member.fault is None and not isfinite(own.value):
                member.fault = Diverged(f"scored {own.value} after step {member.step}")
        return scored

    def _alone(self, row: int) -> nn.Module:
        """A member's own weights in a module that is the next row's when that is asked for."""
        self._weights.lend(row, self._module)
        return self._module
