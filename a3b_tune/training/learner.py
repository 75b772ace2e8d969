"""The plain learner: one model trained by ordinary `torch.optim`, an epoch at a time.

Knows no Optuna: it yields an `Epoch` after each epoch, and whoever reads them may stop reading.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite, log

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from a3b_tune.data import PAD, Batches
from a3b_tune.models import build
from a3b_tune.training.evaluation import accuracy
from a3b_tune.training.gradients import clip_gradients, gradient_norm
from a3b_tune.training.optimizers import build_optimizers
from a3b_tune.training.prepared import Prepared
from a3b_tune.training.recipe import Recipe
from a3b_tune.training.schedule import rate_factor

# Steps between two looks at the loss. Each look reads a number back from the device.
LOOK = 16
# A mean loss this many times that of guessing is given up.
DIVERGED = 100.0


class Diverged(Exception):
    """The loss is not a number, or far above that of guessing; the text says where."""


class Stopped(Exception):
    """Training was asked to stop between two steps."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to. `loss` is the mean over its training rows (natural logarithm),
    `gradient_norm` the mean over the steps looked at, `lr` the rate of its last step, `accuracy`
    that of the validation rows, `seconds` the training and `evaluation_seconds` the scoring."""

    epoch: int
    loss: float
    accuracy: float
    gradient_norm: float
    lr: float
    seconds: float
    evaluation_seconds: float


def never() -> bool:
    """The default of `should_stop`."""
    return False


class PlainLearner:
    """One model, its optimizer and its data order, all from the recipe's seed.

    The same recipe on the same data, device and thread count gives the same epochs.
    """

    def __init__(
        self, recipe: Recipe, prepared: Prepared, should_stop: Callable[[], bool] = never
    ) -> None:
        self.recipe = recipe
        self._should_stop = should_stop
        self._part = prepared.cut(recipe.max_length)
        device = prepared.device
        torch.manual_seed(recipe.seed)
        self.model = build(
            recipe.model_name,
            vocabulary=prepared.vocabulary,
            classes=prepared.classes,
            max_length=self._part.longest,
            **recipe.model_settings,
        ).to(device)
        self._parameters = list(self.model.parameters())
        self._optimizers = build_optimizers(self.model, recipe.optimizer)
        training = recipe.training
        size = None if training.batch_tokens else training.batch_size
        self._batches = Batches(self._part.train, size=size, tokens=training.batch_tokens)
        self._steps = len(self._batches) * training.epochs
        self._step = 0
        self._order = torch.Generator().manual_seed(recipe.seed)
        self._noise = torch.Generator(device=device).manual_seed(recipe.seed)
        self._too_much = DIVERGED * log(max(2, prepared.classes))

    def epochs(self) -> Iterator[Epoch]:
        """Trains and scores, epoch by epoch.

        :raises Diverged: the loss went out of bounds.
        :raises Stopped: `should_stop` said so; what was done of the epoch is lost.
        """
        for number in range(1, self.recipe.training.epochs + 1):
            began = time.perf_counter()
            loss, norm, lr = self._train(number)
            trained = time.perf_counter()
            score = accuracy(self.model, self._part.validation)
            scored = time.perf_counter()
            yield Epoch(number, loss, score, norm, lr, trained - began, scored - trained)

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
            if norm is not None:
                norms.append(norm)
            if look:
                self._check(float(total), number, index + 1, rows)
        return float(total) / rows, float(torch.stack(norms).mean()), lr

    def _update(
        self, tokens: Tensor, labels: Tensor, look: bool
    ) -> tuple[Tensor, Tensor | None, float]:
        """One step: its loss, its gradient norm where that was computed, its rate."""
        training = self.recipe.training
        if training.word_dropout:
            tokens = self._drop_words(tokens, training.word_dropout)
        self._optimizers.zero_grad()
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

    def _drop_words(self, tokens: Tensor, share: float) -> Tensor:
        """Leaves out a share of the words (Iyyer et al. 2015, section 3.1): they become padding,
        which no model reads. The first word stays, so that no row is empty."""
        noise = torch.rand(tokens.shape, generator=self._noise, device=tokens.device)
        noise[:, 0] = 1.0
        return torch.where(noise < share, PAD, tokens)

    def _check(self, total: float, epoch: int, step: int, rows: int) -> None:
        if not isfinite(total) or total / rows > self._too_much:
            raise Diverged(f"mean loss {total / rows:.3g} by step {step} of epoch {epoch}")


def parameter_count(model: nn.Module) -> int:
    """How many numbers training moves."""
    return sum(parameter.numel() for parameter in model.parameters())
