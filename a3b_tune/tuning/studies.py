"""A study in the storage: created whole or not at all, or gone on with if it is the same.

Knows no trial.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING, Any

import optuna
from optuna.study import StudyDirection

from a3b_tune.errors import InputError, unknown
from a3b_tune.storage.opening import shown_url
from a3b_tune.storage.verbs import Storage
from a3b_tune.study import Metric, StudyFile
from a3b_tune.study.ceiling import WHY, study_ceiling_kind
from a3b_tune.study.differences import differences
from a3b_tune.study.fitting import largest
from a3b_tune.tuning import records
from a3b_tune.tuning.pruning import build_pruner
from a3b_tune.tuning.view import View

if TYPE_CHECKING:
    from a3b_tune.data import Dataset
    from a3b_tune.data.text import Text

_OTHER = {False: "its rows are not the ones", True: "its text is not the one"}


@dataclass(frozen=True)
class StoredStudy:
    """A study and the file it was begun with."""

    storage: Storage
    study: optuna.Study
    file: StudyFile

    @property
    def id(self) -> int:
        return int(self.study._study_id)

    @cached_property
    def view(self) -> View:
        """What this worker knows of the study's trials."""
        return View(self.storage, self.study.study_name, self.study.pruner)


def begin_or_go_on(storage: Storage, file: StudyFile, dataset: "Dataset | Text") -> StoredStudy:
    """Creates the study of a file, or opens it if it is there and says the same.

    :raises InputError: a study of that name says something else; its differences are named. Or the
        text is too short for the file's longest windows.
    """
    name = file.study.name
    if name not in study_names(storage):
        storage.create_whole_study(name, direction(file.metric), _attributes(file, dataset))
    study = optuna.load_study(study_name=name, storage=storage, pruner=build_pruner(file))
    stored = _stored_file(study, storage)
    different = differences(stored, file)
    if study.user_attrs[records.STUDY_DATA]["hash"] != dataset.data_hash:
        different.append(f"the data: {_OTHER[file.is_text]} the study began with")
    if different:
        raise InputError(
            f"study {name!r} in {shown_url(storage.url)} began with other settings: "
            f"{'; '.join(different)}. Use the same, or another --name"
        )
    if stored != file:
        # Only its budget or its wording differs: whoever joins later works to the new one.
        study.set_user_attr(records.STUDY_FILE, file.to_json())
    return StoredStudy(storage, study, file)


def go_on(storage: Storage, name: str) -> StoredStudy:
    """Opens a stored study to run more of its trials, from what is stored alone.

    :raises InputError: as `open_study`.
    """
    stored = open_study(storage, name)
    study = optuna.load_study(study_name=name, storage=storage, pruner=build_pruner(stored.file))
    return StoredStudy(storage, study, stored.file)


def direction(metric: Metric) -> StudyDirection:
    """Optuna's word for which way is better."""
    return StudyDirection.MAXIMIZE if metric.sign > 0 else StudyDirection.MINIMIZE


def check_data(stored: StoredStudy, dataset: "Dataset | Text") -> None:
    """Refuses data other than the study's.

    :raises InputError: the rows, or the text, are not those that the study began with.
    """
    if stored.study.user_attrs[records.STUDY_DATA]["hash"] != dataset.data_hash:
        raise InputError(
            f"study {stored.file.study.name!r} in {shown_url(stored.storage.url)} began with other "
            f"data: {_OTHER[stored.file.is_text]} it began with (see --data-dir)"
        )


def open_study(storage: Storage, name: str) -> StoredStudy:
    """Opens a stored study to read it.

    :raises InputError: there is none of that name, or it was not made by a3b-tune.
    """
    names = study_names(storage)
    if name not in names:
        known = unknown("study", name, names) if names else f"no study {name!r}: it holds none"
        raise InputError(f"{shown_url(storage.url)}: {known}")
    study = optuna.load_study(study_name=name, storage=storage)
    return StoredStudy(storage, study, _stored_file(study, storage))


def study_names(storage: Storage) -> list[str]:
    """The names of all studies in a storage, the oldest first."""
    return optuna.get_all_study_names(storage)


def _stored_file(study: optuna.Study, storage: Storage) -> StudyFile:
    attrs = study.user_attrs
    where = f"study {study.study_name!r} in {shown_url(storage.url)}"
    if records.STUDY_FILE not in attrs:
        raise InputError(f"{where} was not made by a3b-tune; choose another --name")
    if attrs.get(records.STUDY_FORMAT) != records.FORMAT:
        raise InputError(f"{where} was made by another version of a3b-tune; choose another --name")
    return StudyFile.from_json(attrs[records.STUDY_FILE])


def _attributes(file: StudyFile, dataset: "Dataset | Text") -> Mapping[str, Any]:
    from a3b_tune.data.text import Text
    from a3b_tune.training.vectors import check_vectors

    about = {
        records.STUDY_FORMAT: records.FORMAT,
        records.STUDY_FILE: file.to_json(),
        records.STUDY_VERSIONS: records.versions(),
    }
    if isinstance(dataset, Text):
        return {**about, **_text_attributes(file, dataset)}
    check_vectors(file, dataset)
    data = {
        "name": dataset.name,
        "hash": dataset.data_hash,
        "train": len(dataset.train),
        "validation": len(dataset.validation),
        "classes": list(dataset.class_names),
        "vocabulary": len(dataset.vocabulary.i2w),
    }
    if dataset.vectors is not None:
        data["embeddings"] = dataset.vectors.coverage
    return {**about, records.STUDY_DATA: data, records.STUDY_CEILING: ceiling(file, dataset)}


def _text_attributes(file: StudyFile, text: "Text") -> Mapping[str, Any]:
    """Lengths are tokens, the vocabulary is the alphabet."""
    from a3b_tune.data.text import check_length

    if file.data.max_length is not None:
        check_length(text, largest(file.data.max_length))
    data = {
        "name": text.name,
        "hash": text.data_hash,
        "train": len(text.train),
        "validation": len(text.validation),
        "test": len(text.test),
        "vocabulary": len(text.alphabet),
        "unit": text.unit,
    }
    return {
        records.STUDY_DATA: data,
        records.STUDY_CEILING: None,
        records.STUDY_FLOOR: floor(text),
    }


def floor(text: "Text") -> dict[str, Any] | None:
    """The source's entropy in bits per token, which no model can be below for long, with its
    standard error and its reason; None where the source is not known."""
    if text.floor is None:
        return None
    why = (
        f"{text.name} is drawn from a known grammar, and this is the grammar's entropy: "
        "whoever knows all of it still needs so many bits on average"
    )
    return {"value": float(text.floor.value), "error": float(text.floor.error), "why": why}


def ceiling(file: StudyFile, dataset: "Dataset") -> dict[str, Any] | None:
    """The best validation accuracy that any draw of the file can reach, with its reason; None where
    theory does not say.

    Where one of four patterns must be missed, the value counts these very rows with the same
    pattern missed in all of them. Which one is missed may differ with a row's other words, so a
    lucky model lands a little above; `margin` is two standard errors of a share over the rows.
    """
    # Here and not above: whoever only reads a study starts without torch.
    from a3b_tune.data.ceilings import best_accuracy
    from a3b_tune.models import MODELS, settings_of

    defaults = {
        name: {key: parameter.default for key, parameter in settings_of(name).items()}
        for name in MODELS
    }
    kind = study_ceiling_kind(file, defaults)
    if kind is None:
        return None
    value = best_accuracy(kind, dataset)
    error = sqrt(value * (1.0 - value) / len(dataset.validation))
    margin = 2.0 * error if kind == "three_of_four" else 0.0
    return {"kind": kind, "value": value, "margin": margin, "why": WHY[kind]}
