"""The plain learner: one model trained by ordinary `torch.optim`, an epoch at a time.

The reference that the stacked learner is tested against, and the faster of the two where one model
fills a core.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from math import isfinite, log

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from a3b_tune.training.device import quickest
from a3b_tune.training.evaluation import accuracy
from a3b_tune.training.gradients import clip_gradients, gradient_norm
from a3b_tune.training.learner import DIVERGED, Diverged, Epoch, Stopped, never
from a3b_tune.training.noises import Noise, drop_words
from a3b_tune.training.optimizers import build_optimizers
from a3b_tune.training.prepared import Prepared
from a3b_tune.training.progress import Progress, begin, save
from a3b_tune.training.recipe import Recipe
from a3b_tune.training.schedule import rate_factor

# Steps between two looks at the loss. Each look reads a number back from the device.
LOOK = 16


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
        self._part = prepared.cut(recipe.max_length)
        self._autocast = prepared.autocast()
        device = prepared.device
        self.model = prepared.model(recipe)
        self._parameters = list(self.model.parameters())
        self._optimizers = build_optimizers(self.model, recipe.optimizer)
        training = recipe.training
        size = None if training.batch_tokens else training.batch_size
        self._batches = self._part.batches(size, training.batch_tokens)
        self._steps = len(self._batches) * training.epochs
        progress = begin(recipe, self.model, len(self._batches), saved)
        if progress.step:
            self._optimizers.restore(self.model, progress.moments, progress.step)
        self._done, self._step, self._order = progress.done, progress.step, progress.order
        self._within = False
        self._noise = Noise(self.model, recipe.seed, device)
        self._too_much = DIVERGED * log(max(2, prepared.classes))

    def epochs(self) -> Iterator[Epoch]:
        """Trains and scores, epoch by epoch.

        :raises Diverged: the loss went out of bounds.
        :raises Stopped: `should_stop` said so; what was done of the epoch is lost.
        """
        while self._done < self.recipe.training.epochs:
            yield self.epoch()

    def epoch(self) -> Epoch:
        """Trains for the next epoch and scores it. Raises as `epochs` does; there is none after
        that."""
        began = time.perf_counter()
        number, self._within = self._done + 1, True
        loss, norm, lr = self._train(number)
        trained = time.perf_counter()
        with self._autocast:
            score = accuracy(self.model, self._part.validation)
        scored = time.perf_counter()
        self._done, self._within = number, False
        return Epoch(number, loss, score, norm, lr, trained - began, scored - trained)

    def save(self) -> bytes:
        """All that another learner needs to go on with the next epoch.

        :raises ValueError: the last epoch was not ended.
        """
        if self._within:
            raise ValueError("the last epoch was not ended")
        moments = self._optimizers.moments(self.model, self.recipe.optimizer)
        progress = Progress(self._done, self._step, self._order, moments)
        return save(self.recipe, dict(self.model.named_parameters()), progress)

    def step_seconds(self, steps: int) -> float:
        """How long a step takes at best, on a batch of middling length. The learner is not to be
        used after that."""
        tokens, labels = self._batches.middle(self._batches.order(self._order).unsqueeze(0))
        step = partial(self._update, tokens[0], labels[0], False)
        return quickest(step, steps, tokens.device)

    def _train(self, number: int) -> tuple[float, float, float]:
        """One pass over the training rows: mean loss, mean gradient norm, last rate."""
        total = torch.zeros((), device=self._part.train.tokens.device)
        rows = 0
        norms: list[Tensor] = []
        lr = 0.0
        for index, (tokens, labels) in enumerate(self._batches.epoch(self._order)):
            if self._should_stop():
                raise Stopped
            look = index % LOOK == LOOK - 1 or index == len(self._batches) - 1
            loss, norm, lr = self._update(tokens, labels, look)
            total += loss * len(labels)
            rows += len(labels)
            if look and norm is not None:
                norms.append(norm)
                self._check(float(total), number, index + 1, rows)
        return float(total) / rows, float(torch.stack(norms).mean()), lr

    def _update(
        self, tokens: Tensor, labels: Tensor, look: bool
    ) -> tuple[Tensor, Tensor | None, float]:
        """One step: its loss, its gradient norm where that was computed, its rate."""
        training = self.recipe.training
        key = self._noise.at(self._step)
        if training.word_dropout:
            share = torch.tensor(training.word_dropout, device=key.device)
            tokens = drop_words(tokens, share, key)
        self._optimizers.zero_grad()
        with self._autocast:
            logits = self.model(tokens)  # (B, classes)
        loss = F.cross_entropy(logits, labels, label_smoothing=training.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = None
        if training.clip is not None:
            norm = clip_gradients(self._parameters, training.clip)
        elif look:
            norm = gradient_norm(self._parameters)
        factor = rate_factor(self._step, self._steps, training.warmup, training.schedule)
        lr = self._optimizers.set_factor(factor)
        self._optimizers.step()
        self._step += 1
        return loss.detach(), norm, lr

    def _check(self, total: float, epoch: int, step: int, rows: int) -> None:
        if not isfinite(total) or total / rows > self._too_much:
            raise Diverged(f"mean loss {total / rows:.3g} by step {step} of epoch {epoch}")


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
