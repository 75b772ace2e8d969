"""The plain learner: one model trained by ordinary `torch.optim`, an epoch at a time.

The reference that the stacked learner is tested against, and the faster of the two where one model
fills a core.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import isfinite, log

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from a3b_tune.training.compiling import compiled_model, pays
from a3b_tune.training.device import quickest
from a3b_tune.training.gradients import clip_gradients, gradient_norm
from a3b_tune.training.learner import DIVERGED, Diverged, Epoch, Stopped, never, out_of_memory
from a3b_tune.training.looking import Looking
from a3b_tune.training.noises import Noise, drop_words, drops
from a3b_tune.training.optimizers import build_optimizers, trained_parameters
from a3b_tune.training.prepared import Prepared
from a3b_tune.training.progress import Progress, begin, frozen_mark, save
from a3b_tune.training.recipe import Recipe
from a3b_tune.training.schedule import rate_factor
from a3b_tune.training.stack_step import at_least_single


class PlainLearner:
    """One model, its optimizer and its data order, all from the recipe's seed.

    The same recipe on the same data, device and thread count gives the same epochs.
    """

    def __init__(
        self,
        recipe: Recipe,
        prepared: Prepared,
        should_stop: Callable[[], bool] = never,
        saved: bytes | None = None,
    ) -> None:
        """Begins anew, or goes on from what `save` gave.

        :raises BadSnapshot: it cannot go on from that.
        """
        self.recipe = recipe
        self._should_stop = should_stop
        self._part = prepared.part(recipe)
        self._autocast = prepared.autocast()
        device = prepared.device
        self.model = prepared.model(recipe)
        self._forward: Callable[..., Tensor] = self.model
        # On a CPU a compiled transformer is slower than its own kernels.
        self._compiles = device.type == "cuda" and self._part.has_looks
        self._parameters = list(trained_parameters(self.model).values())
        self._frozen = frozen_mark(self.model)
        self._optimizers = build_optimizers(self.model, recipe.optimizer)
        self._batches = self._part.batches(recipe.training)
        self._steps = len(self._batches) * recipe.training.rounds
        progress = begin(recipe, self.model, len(self._batches), saved, self._frozen)
        if progress.step:
            self._optimizers.restore(self.model, progress.moments, progress.step)
        self._done, self._step, self._order = progress.done, progress.step, progress.order
        self._within = False
        self._noise = Noise(self.model, recipe.seed, device)
        self._noisy = drops(self.model) or recipe.training.word_dropout > 0.0
        self._too_much = DIVERGED * log(max(2, self._part.outputs))

    def epochs(self) -> Iterator[Epoch]:
        """Trains and scores, epoch by epoch.

        :raises Diverged: the loss went out of bounds.
        :raises Stopped: `should_stop` said so; what was done of the epoch is lost.
        """
        while self._done < self.recipe.training.rounds:
            yield self.epoch()

    def epoch(self) -> Epoch:
        """Trains for the next epoch and scores it. Raises as `epochs` does; there is none after
        that."""
        began = time.perf_counter()
        number, self._within, first = self._done + 1, True, self._step
        looking, lr = self._train(number)
        trained = time.perf_counter()
        recipe = self.recipe
        last = number == recipe.training.rounds
        scored = self._part.score(self.model, recipe, last, self._should_stop)
        if not isfinite(scored.value):
            raise Diverged(f"scored {scored.value} after step {self._step}")
        ended = time.perf_counter()
        self._done, self._within = number, False
        if self._compiles and pays((trained - began) * (recipe.training.rounds - number)):
            self.compile()
        (looks,) = looking.told([first])
        return Epoch(
            number, float(looking.losses), scored.value, float(looking.norms), lr,
            trained - began, ended - trained, scored.scores, looks, scored.sample,
        )  # fmt: skip

    def compile(self) -> None:
        """From now on steps run compiled, for their batches' size."""
        self._compiles = False
        self._forward = compiled_model(self.model)

    def final(self) -> Mapping[str, float]:
        """The scores that a trial's last round has, for one that is ended before it."""
        return self._part.final(self.model, self.recipe, self._should_stop)

    def save(self) -> bytes:
        """All that another learner needs to go on with the next epoch.

        :raises ValueError: the last epoch was not ended.
        """
        if self._within:
            raise ValueError("the last epoch was not ended")
        moments = self._optimizers.moments(self.model, self.recipe.optimizer)
        progress = Progress(self._done, self._step, self._order, moments)
        return save(self.recipe, trained_parameters(self.model), progress, self._frozen)

    def model_bytes(self) -> bytes:
        """The model as it is now, to be kept."""
        return self._part.packed(dict(self.model.named_parameters()), self.recipe)

    def step_seconds(self, steps: int) -> float:
        """How long a step takes at best, on a batch of middling length. The learner is not to be
        used after that."""
        tokens, labels = self._batches.middle(self._batches.order(self._order).unsqueeze(0))
        step = partial(self._update, tokens[0], labels[0], False)
        return quickest(step, steps, tokens.device)

    def _train(self, number: int) -> tuple[Looking, float]:
        """The steps of one round: what was seen of them, and the last rate."""
        like = torch.zeros((), device=self._noise.device)
        looking = Looking(len(self._batches), self._part.has_looks, like)
        lr = 0.0
        for index, (tokens, labels) in enumerate(self._batches.epoch(self._order)):
            if self._should_stop():
                raise Stopped
            look = looking.at(index)
            loss, norm, lr = self._update(tokens, labels, look)
            looking.add(loss, len(labels))
            if look and norm is not None:
                looking.look(norm, [lr])
                self._check(float(looking.losses), number, index + 1)
        return looking, lr

    def _update(
        self, tokens: Tensor, labels: Tensor, look: bool
    ) -> tuple[Tensor, Tensor | None, float]:
        """One step: its loss, its gradient norm where that was computed, its rate."""
        training = self.recipe.training
        self._optimizers.zero_grad()
        parts = zip(
            tokens.chunk(training.accumulate), labels.chunk(training.accumulate), strict=True
        )
        losses = [self._backward(*part, number) for number, part in enumerate(parts)]
        loss = torch.stack(losses).sum() if len(losses) > 1 else losses[0]
        norm = None
        if training.clip is not None:
            norm = clip_gradients(self._parameters, training.clip)
        elif look:
            norm = gradient_norm(self._parameters)
        factor = rate_factor(self._step, self._steps, training.warmup, training.schedule)
        lr = self._optimizers.set_factor(factor)
        self._optimizers.step()
        self._step += 1
        return loss, norm, lr

    def _backward(self, tokens: Tensor, labels: Tensor, number: int) -> Tensor:
        """Adds the gradients of one part of a batch, its loss weighed as its share."""
        training = self.recipe.training
        if self._noisy:
            key = self._noise.at(self._step * training.accumulate + number)
        if training.word_dropout:
            share = torch.tensor(training.word_dropout, device=key.device)
            tokens = drop_words(tokens, share, key)
        loss = F.cross_entropy(
            self._logits(tokens).flatten(0, -2),
            labels.flatten(),
            label_smoothing=training.label_smoothing,
        )
        if training.accumulate > 1:
            loss = loss / training.accumulate
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _logits(self, tokens: Tensor) -> Tensor:
        """(B, classes), of text (B, T, V)."""
        with self._autocast:
            try:
                logits: Tensor = self._forward(tokens)
            except RuntimeError as error:
                if out_of_memory(error) or self._forward is self.model:
                    raise
                # Whatever the compiler cannot do is done without it.
                self._forward = self.model
                logits = self.model(tokens)
        return logits.to(at_least_single(logits))

    def _check(self, loss: float, epoch: int, step: int) -> None:
        if not isfinite(loss) or loss > self._too_much:
            raise Diverged(f"mean loss {loss:.3g} by step {step} of epoch {epoch}")


class Alone:
    """A stack of one: each member is trained by a plain learner of its own."""

    slots = 1

    def __init__(self, prepared: Prepared, should_stop: Callable[[], bool] = never) -> None:
        self._prepared = prepared
        self._should_stop = should_stop
        self._added = 0
        self._learners: dict[int, PlainLearner] = {}

    @property
    def room(self) -> int:
        return self.slots - len(self._learners)

    def add(self, recipe: Recipe, saved: bytes | None = None) -> int:
        if not self.room:
            raise ValueError("the one slot is taken")
        learner = PlainLearner(recipe, self._prepared, self._should_stop, saved)
        self._added += 1
        self._learners[self._added] = learner
        return self._added

    def remove(self, member: int) -> None:
        del self._learners[member]

    def save(self, member: int) -> bytes:
        return self._learners[member].save()

    def final(self, member: int) -> Mapping[str, float]:
        return self._learners[member].final()

    def model_bytes(self, member: int) -> bytes:
        return self._learners[member].model_bytes()

    def epoch(self) -> dict[int, Epoch | Diverged]:
        return {member: _epoch(learner) for member, learner in self._learners.items()}


def _epoch(learner: PlainLearner) -> Epoch | Diverged:
    try:
        return learner.epoch()
    except Diverged as error:
        return error


def parameter_count(model: nn.Module) -> int:
    """How many numbers training moves."""
    return sum(parameter.numel() for parameter in model.parameters())
