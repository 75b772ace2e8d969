"""The sections of a study file but [model]: what each key means, its default and its bounds.

Knows nothing of how a file is read or written, nor of which models there are.
"""

from types import NoneType
from typing import Annotated, get_args

from pydantic import Field, model_validator

from a3b_tune.study.data_section import DataSection
from a3b_tune.study.kinds import DeviceTime, Duration, Kind, Real, SettingError, Text, Whole, Word
from a3b_tune.study.metric import METRICS
from a3b_tune.study.section import (
    ROW_DATA,
    SEED,
    SHARE,
    TEXT_DATA,
    FloatSetting,
    IntSetting,
    Section,
    WordSetting,
)
from a3b_tune.study.settings import Choices, show_setting
from a3b_tune.study.specs import Hyperband, PrunerSpec, SamplerSpec, Tpe

TRAINING_KEYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("epochs", "batch_tokens", "word_dropout"), ROW_DATA),
    **dict.fromkeys(("steps", "evaluate_every", "accumulate"), TEXT_DATA),
    **dict.fromkeys(("windows", "final_batches", "max_time"), TEXT_DATA),
}
"""The keys of [training] that only some data sets have, with their names."""


class StudySection(Section):
    """[study]: what the study is called and how it searches."""

    name: Annotated[str, Text()] = Field(description="The study's name in the storage.")
    question: Annotated[str | None, Text(flow=True)] = Field(
        default=None, description="What the study is to find out, in words."
    )
    metric: Annotated[str | None, Word("metric", tuple(METRICS), fixed=True)] = Field(
        default=None,
        description="What is made as good as can be: accuracy of rows, bits per token of text.",
    )
    sampler: SamplerSpec = Field(default=Tpe(), description="How settings are drawn.")
    pruner: PrunerSpec = Field(default=Hyperband(), description="How trials are stopped early.")
    trials: Annotated[int, Whole(low=1, fixed=True)] = Field(
        default=100, description="How many trials the study has in total."
    )
    timeout: Annotated[float | None, Duration()] = Field(
        default=None,
        description='A run stops after this time: seconds, or "1h30m"; its trials go back.',
    )
    budget: Annotated[str | None, DeviceTime()] = Field(
        default=None,
        description='All runs together stop after so much work: "6gpu-h", "90cpu-m".',
    )
    seed: Annotated[int, SEED] = Field(
        default=0, description="The sampler's seed, from which each trial gets its own."
    )
    retries: Annotated[int, Whole(low=0, fixed=True)] = Field(
        default=2, description="How often a trial runs again whose worker died or hung."
    )
    heartbeat: Annotated[float, Duration()] = Field(
        default=10.0,
        description="Time between a worker's signs of life; silent for two of these, it is lost.",
    )
    checkpoint: Annotated[float, Duration()] = Field(
        default=60.0,
        description="Time between checkpoints of a trial, from which it goes on elsewhere.",
    )


class OptimizerSection(Section):
    """[optimizer]: how weights are changed."""

    name: Annotated[WordSetting, Word("optimizer", ("adam", "adamw", "sgd", "sparse_adam"))] = (
        Field(
            default="adam", description="adam, adamw, sgd, or sparse_adam for large vocabularies."
        )
    )
    lr: Annotated[FloatSetting, Real(above=0.0)] = Field(
        default=1e-3, description="The learning rate."
    )
    weight_decay: Annotated[FloatSetting, Real(low=0.0)] = Field(
        default=0.0, description="Weight decay."
    )
    momentum: Annotated[FloatSetting, SHARE] = Field(
        default=0.0, description="Momentum, of sgd only."
    )
    beta1: Annotated[FloatSetting, SHARE] = Field(
        default=0.9, description="Adam's decay of the mean of gradients."
    )
    beta2: Annotated[FloatSetting, SHARE] = Field(
        default=0.999, description="Adam's decay of the mean of squared gradients."
    )

    @model_validator(mode="after")
    def _momentum_is_of_sgd(self) -> "OptimizerSection":
        names = self.name.choices if isinstance(self.name, Choices) else (self.name,)
        if self.momentum != 0.0 and "sgd" not in names:
            text = f"only sgd has it, and optimizer.name is {show_setting(self.name)}"
            raise SettingError("optimizer.momentum", text)
        return self


class TrainingSection(Section):
    """[training]: how a trial is trained."""

    epochs: Annotated[IntSetting, Whole(low=1)] = Field(
        default=10, description="How often a trial goes through the training rows, at most."
    )
    steps: Annotated[IntSetting, Whole(low=1)] = Field(
        default=3000, description="How many batches of a text a trial is trained on, at most."
    )
    evaluate_every: Annotated[int, Whole(low=1, fixed=True)] = Field(
        default=250, description="Steps between two evaluations on text, each of them an epoch."
    )
    batch_tokens: Annotated[IntSetting | None, Whole(low=1)] = Field(
        default=None, description="Tokens in a batch, padding included; instead of batch_size."
    )
    batch_size: Annotated[IntSetting | None, Whole(low=1)] = Field(
        default_factory=lambda data: 32 if data.get("batch_tokens") is None else None,
        description="Rows or windows in a batch.",
    )
    accumulate: Annotated[int, Whole(low=1, fixed=True)] = Field(
        default=1, description="Into how many parts a batch of text is cut, to save memory."
    )
    warmup: Annotated[FloatSetting, SHARE] = Field(
        default=0.0, description="Share of the steps over which the learning rate rises from 0."
    )
    schedule: Annotated[WordSetting, Word("schedule", ("constant", "linear", "cosine"))] = Field(
        default="constant", description="How the learning rate goes on after the warm-up."
    )
    clip: Annotated[FloatSetting | None, Real(above=0.0)] = Field(
        default=None, description="The largest norm of a gradient; a larger one is scaled down."
    )
    label_smoothing: Annotated[FloatSetting, SHARE] = Field(
        default=0.0, description="Share of the target that is spread over all classes."
    )
    word_dropout: Annotated[FloatSetting, SHARE] = Field(
        default=0.0, description="Share of the training words that are left out of their row."
    )
    windows: Annotated[int, Whole(low=1, fixed=True)] = Field(
        default=1000, description="Validation windows of each evaluation, the same for all trials."
    )
    final_batches: Annotated[int, Whole(low=0, fixed=True)] = Field(
        default=1000, description="Batches of fresh windows that score a trial at its end."
    )
    max_time: Annotated[float | None, Duration()] = Field(
        default=None,
        description='A trial on text ends at its first evaluation after this time: "30m".',
    )

    @model_validator(mode="after")
    def _one_kind_of_batch(self) -> "TrainingSection":
        if self.batch_tokens is not None and self.batch_size is not None:
            raise SettingError(
                "training.batch_tokens", "stands instead of batch_size; leave one out"
            )
        return self


class SamplesSection(Section):
    """[samples]: the text that a trial's model writes at each evaluation, on text alone."""

    length: Annotated[int, Whole(low=0, fixed=True)] = Field(
        default=200, description="Tokens that are written; 0 for no samples."
    )
    temperature: Annotated[float, Real(low=0.0, fixed=True)] = Field(
        default=1.0, description="How freely they are drawn; 0 takes the likeliest token each time."
    )
    top_k: Annotated[int, Whole(low=0, fixed=True)] = Field(
        default=0, description="Draw from this many of the likeliest tokens; 0 for all."
    )
    seed_length: Annotated[int, Whole(low=1, fixed=True)] = Field(
        default=16, description="Tokens of the validation text with which a sample begins."
    )


SECTIONS: dict[str, type[Section] | None] = {
    "study": StudySection,
    "data": DataSection,
    "model": None,
    "optimizer": OptimizerSection,
    "training": TrainingSection,
    "samples": SamplesSection,
    "slurm": None,
}
"""In the order of a file. [model] has no keys of its own: its model's signature has; nor has
[slurm], whose keys are options of sbatch."""


def keys_of(section: str) -> list[str]:
    """The keys of a section, in order; of [model] only the one that every model has, of [slurm]
    none."""
    fields = SECTIONS[section]
    return list(fields.model_fields) if fields else ["name"] * (section == "model")


def kind_of(section: type[Section], key: str) -> Kind | None:
    """The kind of value that a key holds; None for the sampler and the pruner, which hold more."""
    return next((p for p in section.model_fields[key].metadata if isinstance(p, Kind)), None)


def optional(section: type[Section], key: str) -> bool:
    """Whether a key may be left unset."""
    return NoneType in get_args(section.model_fields[key].annotation)
