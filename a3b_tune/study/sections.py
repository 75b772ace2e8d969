"""The sections of a study file but [model]: what each key means, its default and its bounds.

Knows nothing of how a file is read or written, nor of which models there are.
"""

from types import NoneType
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from a3b_tune.study.kinds import DeviceTime, Duration, Kind, Real, SettingError, Text, Whole, Word
from a3b_tune.study.settings import Choices, Range, show_setting
from a3b_tune.study.specs import Hyperband, PrunerSpec, SamplerSpec, Tpe

DATA_NAMES = ("xor", "synth", "imdb", "table")
TABLE_KEYS = ("path", "text_column", "label_column", "split")
"""The keys of [data] that only a table has."""

SEED = Whole(low=0, high=2**32 - 1, fixed=True)
SHARE = Real(low=0.0, below=1.0)

IntSetting = int | Range | Choices
FloatSetting = float | Range | Choices
WordSetting = str | Choices


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StudySection(Section):
    """[study]: what the study is called and how it searches."""

    name: Annotated[str, Text()] = Field(description="The study's name in the storage.")
    question: Annotated[str | None, Text(flow=True)] = Field(
        default=None, description="What the study is to find out, in words."
    )
    metric: Annotated[Literal["accuracy"], Word("metric", ("accuracy",), fixed=True)] = Field(
        default="accuracy", description="What is made as large as possible, on validation rows."
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


class DataSection(Section):
    """[data]: what is trained on. `rows` and `vocabulary` keep a part of it."""

    name: Annotated[str, Word("data set", DATA_NAMES, fixed=True)] = Field(
        description="xor, synth, imdb, or table for a file of your own."
    )
    path: Annotated[str | None, Text()] = Field(
        default=None, description="The table: .csv or .tsv with a header, .txt with LABEL<tab>TEXT."
    )
    text_column: Annotated[str, Text()] = Field(
        default="text", description="The table's column of texts."
    )
    label_column: Annotated[str, Text()] = Field(
        default="label", description="The table's column of labels."
    )
    split: Annotated[float, Real(above=0.0, below=1.0, fixed=True)] = Field(
        default=0.2, description="The share of the table's rows that validate."
    )
    seed: Annotated[int, SEED] = Field(
        default=0, description="What the data is generated or split from."
    )
    max_length: Annotated[IntSetting | None, Whole(low=1)] = Field(
        default_factory=lambda data: 256 if data.get("name") in ("imdb", "table") else None,
        description="Rows are cut to this many tokens.",
    )
    vocabulary: Annotated[int | None, Whole(low=5, fixed=True)] = Field(
        default=None,
        description="Only the first so many words (4 special ones included); the rest become .unk.",
    )
    rows: Annotated[int | None, Whole(low=1, fixed=True)] = Field(
        default=None, description="Train on this many rows only, drawn from the data's seed."
    )

    @model_validator(mode="after")
    def _table_keys(self) -> "DataSection":
        if self.name == "table" and self.path is None:
            raise SettingError("data.path", "missing: which file holds the table?")
        for key in TABLE_KEYS:
            if self.name != "table" and key in self.model_fields_set:
                raise SettingError(
                    f"data.{key}", f"only a table has it, and data.name is {self.name}"
                )
        return self


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
    batch_tokens: Annotated[IntSetting | None, Whole(low=1)] = Field(
        default=None, description="Tokens in a batch, padding included; instead of batch_size."
    )
    batch_size: Annotated[IntSetting | None, Whole(low=1)] = Field(
        default_factory=lambda data: 32 if data.get("batch_tokens") is None else None,
        description="Rows in a batch.",
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

    @model_validator(mode="after")
    def _one_kind_of_batch(self) -> "TrainingSection":
        if self.batch_tokens is not None and self.batch_size is not None:
            raise SettingError(
                "training.batch_tokens", "stands instead of batch_size; leave one out"
            )
        return self


SECTIONS: dict[str, type[Section] | None] = {
    "study": StudySection,
    "data": DataSection,
    "model": None,
    "optimizer": OptimizerSection,
    "training": TrainingSection,
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
