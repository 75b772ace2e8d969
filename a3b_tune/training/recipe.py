"""One trial's settings as plain typed values: what a learner needs to know, and nothing else.

Knows neither ranges (they were drawn), nor Optuna, nor where the trial runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from a3b_tune.study import Scalar


@dataclass(frozen=True)
class OptimizerRecipe:
    """How weights move. Rates are per step; the defaults are PyTorch's."""

    name: str = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999


@dataclass(frozen=True)
class TrainingRecipe:
    """How long and on what batches. `warmup` is a share of the trial's steps, `clip` the largest
    allowed Euclidean norm of all gradients together.

    Rows have `epochs`, a text has `steps`, evaluated every so many; a step's batch is cut into
    `accumulate` parts whose gradients add up. A text is scored on `windows` fixed windows, and at
    the end on `final_batches` × `batch_size` fresh ones (0: not at all)."""

    epochs: int = 10
    steps: int | None = None
    evaluate_every: int = 250
    accumulate: int = 1
    windows: int = 1000
    final_batches: int = 1000
    batch_size: int = 32
    batch_tokens: int | None = None
    warmup: float = 0.0
    schedule: str = "constant"
    clip: float | None = None
    label_smoothing: float = 0.0
    word_dropout: float = 0.0

    @property
    def rounds(self) -> int:
        """How often the trial is evaluated: after each epoch, or of a text every so many steps."""
        return self.epochs if self.steps is None else self.steps // self.evaluate_every


@dataclass(frozen=True)
class SamplesRecipe:
    """What is written after each evaluation of a text: so many tokens (0: nothing) behind a seed of
    `seed_length`. Temperature 0 takes the likeliest token; `top_k` 0 leaves all to choose from."""

    length: int = 200
    temperature: float = 1.0
    top_k: int = 0
    seed_length: int = 16


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a trial's outcome on given data."""

    seed: int
    model: Mapping[str, Any]
    optimizer: OptimizerRecipe
    training: TrainingRecipe
    max_length: int | None = None
    samples: SamplesRecipe = SamplesRecipe()

    @property
    def model_name(self) -> str:
        return str(self.model["name"])

    @property
    def model_settings(self) -> dict[str, Any]:
        """The keyword arguments of the model's constructor."""
        return {key: value for key, value in self.model.items() if key != "name"}


Part = TypeVar("Part", OptimizerRecipe, TrainingRecipe, SamplesRecipe)


def recipe_from(settings: Mapping[str, Scalar], seed: int) -> Recipe:
    """Sorts flat names (`model.heads`, `optimizer.lr`, …) into a recipe; absent ones keep their
    defaults."""
    return Recipe(
        seed=seed,
        model=_section(settings, "model"),
        optimizer=_part(OptimizerRecipe, _section(settings, "optimizer")),
        training=_part(TrainingRecipe, _section(settings, "training")),
        max_length=_section(settings, "data").get("max_length"),
        samples=_part(SamplesRecipe, _section(settings, "samples")),
    )


def _section(settings: Mapping[str, Scalar], name: str) -> dict[str, Any]:
    start = name + "."
    return {key[len(start) :]: value for key, value in settings.items() if key.startswith(start)}


def _part(kind: type[Part], values: Mapping[str, Any]) -> Part:
    known = {field.name for field in fields(kind)}
    return kind(**{key: value for key, value in values.items() if key in known})
