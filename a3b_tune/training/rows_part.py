"""Rows cut to one length, and how models that name their class are scored.

Knows no learner. Letters: N rows, B batch, T positions, K members.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from a3b_tune.data import Batches, Rows
from a3b_tune.models.tables import Openings
from a3b_tune.training.evaluation import accuracy, accuracy_and_loss
from a3b_tune.training.part import Crew, Scored
from a3b_tune.training.recipe import Recipe, TrainingRecipe
from a3b_tune.training.stack_step import count_right


@dataclass(frozen=True)
class RowsPart:
    """What one trial reads: training rows (N,) and batches of distinct validation rows, each
    `(tokens (B, T), labels (B,), counts (B,))`. `outputs` are classes. `tells_loss` says whether
    models are scored by their validation loss too."""

    train: Rows
    validation: list[tuple[Tensor, Tensor, Tensor]]
    validation_rows: int
    distinct_rows: int
    longest: int
    openings: Openings
    vocabulary: int
    outputs: int
    autocast: torch.autocast
    tells_loss: bool = False
    has_looks = False
    _batches: dict[tuple[int | None, int | None], Batches] = field(default_factory=dict)

    def batches(self, training: TrainingRecipe) -> Batches:
        """The training rows in batches, cut once for all who ask."""
        tokens = training.batch_tokens
        size = None if tokens else training.batch_size
        if (size, tokens) not in self._batches:
            self._batches[size, tokens] = Batches(self.train, size=size, tokens=tokens)
        return self._batches[size, tokens]

    def score(
        self, model: nn.Module, recipe: Recipe, last: bool, should_stop: Callable[[], bool]
    ) -> Scored:
        """The share of validation rows whose class the model names."""
        with self.autocast:
            if not self.tells_loss:
                return Scored(accuracy(model, self.validation))
            share, loss = accuracy_and_loss(model, self.validation)
        return Scored(share, {"validation_loss": loss})

    def score_all(self, crew: Crew, should_stop: Callable[[], bool]) -> list[Scored]:
        right = count_right(crew.model, crew.weights, self.validation, self.vocabulary)
        return [Scored(share) for share in (right.double() / self.validation_rows).tolist()]

    def final(
        self, model: nn.Module, recipe: Recipe, should_stop: Callable[[], bool]
    ) -> Mapping[str, float]:
        """Rows have none: every round is scored on all of them."""
        return {}

    def packed(self, weights: Mapping[str, Tensor], recipe: Recipe) -> bytes:
        raise ValueError("models that read rows are not kept")
