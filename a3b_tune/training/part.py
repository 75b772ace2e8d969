"""What one kind of trials reads and is scored by: the seam between learners and data.

A learner takes steps on batches and asks for scores; whether rows or a text are behind them it does
not know. Knows no learner. Letters: K members, B batch, T positions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor, nn

from a3b_tune.data import Batches
from a3b_tune.data.windows import Windows
from a3b_tune.models.tables import Openings
from a3b_tune.training.recipe import Recipe, TrainingRecipe
from a3b_tune.training.stack_step import StackedModel

AnyBatches = Batches | Windows


@dataclass(frozen=True)
class Scored:
    """What an evaluation found: the study's value, other scores by name, and a sample where one was
    written."""

    value: float
    scores: Mapping[str, float] = field(default_factory=dict)
    sample: str | None = None


@dataclass(frozen=True)
class Crew:
    """The members of a stack, to be scored together or one after the other: `model` is called with
    all `weights` (K, …), `alone` gives a row's own module. `last` says whose last round it is; a
    row that has `failed` need not be scored."""

    model: StackedModel
    weights: Mapping[str, Tensor]
    alone: Callable[[int], nn.Module]
    recipes: Sequence[Recipe]
    last: Sequence[bool]
    failed: Sequence[bool]


class Part(Protocol):
    """A data set as trials of one length read it. `outputs` are the classes or tokens that a model
    chooses from, `openings` the few first tokens of rows (None where there are none), `has_looks`
    says whether the steps between two evaluations are told in groups."""

    has_looks: bool

    @property
    def longest(self) -> int:
        """The most tokens that a model reads at once."""

    @property
    def outputs(self) -> int: ...

    @property
    def openings(self) -> Openings | None: ...

    def batches(self, training: TrainingRecipe) -> AnyBatches:
        """The steps of one round, cut once for all who ask."""

    def score(
        self, model: nn.Module, recipe: Recipe, last: bool, should_stop: Callable[[], bool]
    ) -> Scored:
        """Scores one model after a round; `last` says that it is the trial's last.

        :raises Stopped: `should_stop` said so.
        """

    def score_all(self, crew: Crew, should_stop: Callable[[], bool]) -> list[Scored]:
        """Scores all members of a stack, as `score` does."""

    def final(
        self, model: nn.Module, recipe: Recipe, should_stop: Callable[[], bool]
    ) -> Mapping[str, float]:
        """The scores that only a trial's last round has."""

    def packed(self, weights: Mapping[str, Tensor], recipe: Recipe) -> bytes:
        """A model to be kept, its weights by name.

        :raises ValueError: models of this data are not kept.
        """
