"""A study file: what to try, on what, and how; read, checked, and told as flat settings.

Knows nothing of models (the keys of [model] are checked where models are known) and nothing of
how a study is run.
"""

import json
import tomllib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator

from a3b_tune.errors import InputError
from a3b_tune.study.data_section import DATA_CHANGES, DATA_KEYS, DataSection, names_file
from a3b_tune.study.fitting import check_fit, largest
from a3b_tune.study.kinds import SettingError
from a3b_tune.study.metric import ACCURACY, BITS, METRICS, Metric
from a3b_tune.study.problems import first_problem
from a3b_tune.study.scalars import Scalar, shown
from a3b_tune.study.section import TEXT_DATA
from a3b_tune.study.sections import (
    SECTIONS,
    TRAINING_KEYS,
    OptimizerSection,
    SamplesSection,
    StudySection,
    TrainingSection,
)
from a3b_tune.study.settings import (
    Choices,
    Range,
    Setting,
    plain_setting,
    read_setting,
    show_setting,
)
from a3b_tune.study.slurm import Options, read_options
from a3b_tune.study.specs import Spec

GRID_LIMIT = 100_000
FILE_LIMIT = 1_000_000
"""Bytes; a larger file is no study file but, say, the data."""


def _read_model(value: object) -> dict[str, Setting]:
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a section, [model], not {shown(value)}")
    settings: dict[str, Setting] = {}
    for key, plain in value.items():
        if not (isinstance(key, str) and key.isidentifier() and key.isascii()):
            raise SettingError(
                "model", f"a key is a word of letters, digits and _, not {shown(key)}"
            )
        try:
            settings[key] = read_setting(plain)
        except ValueError as error:
            raise SettingError(f"model.{key}", str(error)) from None
    name = settings.pop("name", None)
    if name is None:
        raise SettingError("model.name", "missing: which model is trained?")
    names = name.choices if isinstance(name, Choices) else (name,)
    if not all(isinstance(each, str) for each in names):
        raise SettingError("model.name", f"must be a word, not {show_setting(name)}")
    return {"name": name, **settings}


class StudyFile(BaseModel):
    """One study: what to try, on what, and how. Two files are equal when all they say is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: StudySection
    data: DataSection
    model: Annotated[dict[str, Setting], PlainValidator(_read_model)]
    optimizer: OptimizerSection = Field(default=OptimizerSection())
    training: TrainingSection = Field(default=TrainingSection())
    samples: SamplesSection = Field(default=SamplesSection())
    slurm: Annotated[Options, PlainValidator(read_options)] = Field(default_factory=dict)

    def settings(self) -> dict[str, Setting]:
        """What makes a trial, by dotted name (`model.heads`): all of [model], [optimizer],
        [training] and, of text, [samples] that is set and that its data has, and
        `data.max_length`."""
        found: dict[str, Setting] = {}
        if self.data.max_length is not None:
            found["data.max_length"] = self.data.max_length
        found |= {f"model.{key}": setting for key, setting in self.model.items()}
        for name in ("optimizer", "training", "samples"):
            section = self._own(name)
            found |= {f"{name}.{k}": value for k, value in section.items() if value is not None}
        return found

    @property
    def is_text(self) -> bool:
        """Whether the data is one long text, not rows with labels."""
        return self.data.name in TEXT_DATA

    @property
    def metric(self) -> Metric:
        """What the study makes as good as can be."""
        return METRICS[str(self.study.metric)]

    @property
    def rounds(self) -> int:
        """The most evaluations that a trial may have: epochs of rows, and of text the steps divided
        by those between two evaluations."""
        if self.is_text:
            return largest(self.training.steps) // self.training.evaluate_every
        return largest(self.training.epochs)

    def searched(self) -> dict[str, Range | Choices]:
        """The settings that the sampler draws."""
        return {k: s for k, s in self.settings().items() if isinstance(s, Range | Choices)}

    def fixed(self) -> dict[str, Scalar]:
        """The settings that are the same in every trial."""
        return {k: s for k, s in self.settings().items() if not isinstance(s, Range | Choices)}

    def constant(self) -> dict[str, Scalar]:
        """What is the same in every trial: what the data was cut down to or enriched by, and the
        settings that are not searched."""
        own = self._own("data")
        data = {f"data.{key}": own[key] for key in DATA_CHANGES if own.get(key) is not None}
        return data | self.fixed()

    def plain(self) -> dict[str, dict[str, Any]]:
        """All that is set, defaults too, by section and key, as TOML and JSON hold it."""
        sections = {name: self._own(name) for name in SECTIONS}
        free = ("samples", "slurm")
        return {
            name: {key: _plain(value) for key, value in section.items() if value is not None}
            for name, section in sections.items()
            if section or name not in free
        }

    def _own(self, name: str) -> dict[str, Any]:
        """What a section holds, without the keys that only other data has."""
        if name == "samples" and not self.is_text:
            return {}
        owners = {"data": DATA_KEYS, "training": TRAINING_KEYS}.get(name, {})
        here = self.data.name
        return {k: v for k, v in dict(getattr(self, name)).items() if here in owners.get(k, here)}

    def identity(self) -> dict[str, dict[str, Any]]:
        """What must agree when a study goes on: everything but its budget, its wording, its samples
        and where it runs."""
        apart = ("samples", "slurm")
        plain = {name: section for name, section in self.plain().items() if name not in apart}
        free = ("trials", "timeout", "budget", "question", "retries", "heartbeat", "checkpoint")
        study = {key: value for key, value in plain["study"].items() if key not in free}
        return {**plain, "study": study}

    def to_json(self) -> str:
        """The whole file on one line; `from_json` reads it back."""
        return json.dumps(self.plain(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, where: str = "stored study file") -> "StudyFile":
        """The file that `to_json` wrote. Raises InputError that begins with `where`."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: not JSON: {error}") from None
        return check(data, where)

    @model_validator(mode="after")
    def _fits_together(self) -> "StudyFile":
        if self.study.metric is None:
            # What stands for the metric hangs on another section, so its default is set here.
            metric = (BITS if self.is_text else ACCURACY).name
            object.__setattr__(self, "study", self.study.model_copy(update={"metric": metric}))
        check_fit(self)
        if self.study.sampler.name == "grid":
            self._check_grid()
        return self

    def _check_grid(self) -> None:
        points = {key: _points(setting) for key, setting in self.searched().items()}
        for key, count in points.items():
            if count is None:
                text = f"a grid needs choices or a step, and {key} is "
                raise SettingError("study.sampler", text + show_setting(self.searched()[key]))
        if prod(count or 1 for count in points.values()) > GRID_LIMIT:
            raise SettingError("study.sampler", f"the grid has more than {GRID_LIMIT} points")


def load(path: Path | str) -> StudyFile:
    """The study file at `path`. Without a name in [study] the study is called as the file; a
    relative path of the data is looked for beside the file. Raises InputError in one line."""
    path = Path(path)
    data = _parse(_text(path), str(path))
    study, table = data.setdefault("study", {}), data.get("data")
    if isinstance(study, dict):
        study.setdefault("name", path.stem)
    if isinstance(table, dict):
        for key, text in table.items():
            if isinstance(text, str) and names_file(key, text):
                table[key] = absolute(text, path.parent)
    return check(data, str(path))


def loads(text: str, where: str) -> StudyFile:
    """The study file whose TOML is `text`. Raises InputError in one line, beginning `where`."""
    return check(_parse(text, where), where)


def check(data: object, where: str) -> StudyFile:
    """The study file that plain tables and values make. Raises InputError, beginning `where`."""
    if not isinstance(data, dict):
        raise InputError(f"{where}: a study file is made of sections, not of {shown(data)}")
    try:
        return StudyFile.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{where}: {first_problem(error)}") from None


def absolute(path: str, folder: Path) -> str:
    """A path of data, looked for in `folder` unless it begins with / or ~; empty stays empty."""
    home = Path.home() / path[2:] if path.startswith("~/") else Path(path)
    return str((folder / home).resolve()) if path.strip() else path


def _text(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size > FILE_LIMIT:
            raise InputError(f"{path}: too large for a study file ({path.stat().st_size} bytes)")
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}: line {line} is not UTF-8 text") from None


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not TOML: {error}") from None


def _plain(value: Setting | Spec) -> Scalar | dict[str, Any]:
    if isinstance(value, Spec):
        return {"name": value.name, **value.options} if value.options else value.name
    return plain_setting(value)


def _points(setting: Range | Choices) -> int | None:
    return len(setting.choices) if isinstance(setting, Choices) else setting.points()
