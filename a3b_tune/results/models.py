"""The models that trials of a study have learned, as they were kept.

Knows nothing of what is in it, nor of how it was trained.
"""

from typing import TYPE_CHECKING

from a3b_tune.errors import InputError
from a3b_tune.results.trials import ranked, rows
from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.storage.opening import shown_url
from a3b_tune.tuning.keeping import MODEL, kept

if TYPE_CHECKING:
    from a3b_tune.tuning.studies import StoredStudy


def best_model(stored: "StoredStudy") -> tuple[int, bytes]:
    """The number of the best trial whose model was kept, and the model as the learner wrote it.

    :raises InputError: no model was kept, or its file cannot be read from here.
    """
    models = _kept(stored)
    for row in ranked(rows(stored.study), stored.file.metric):
        if row.number in models:
            return row.number, _read(stored, row.number, models[row.number])
    raise InputError(f"{_where(stored)}: no trial is complete whose model was kept")


def model_of(stored: "StoredStudy", number: int) -> bytes:
    """The model of one trial, as the learner wrote it.

    :raises InputError: it was not kept, or its file cannot be read from here.
    """
    models = _kept(stored)
    if number in models:
        return _read(stored, number, models[number])
    have = f"of trial {', '.join(map(str, models))}" if models else "of none"
    raise InputError(f"{_where(stored)}: no model was kept of trial {number}, only {have}")


def _where(stored: "StoredStudy") -> str:
    return f"study {stored.file.study.name!r} in {shown_url(stored.storage.url)}"


def _kept(stored: "StoredStudy") -> dict[int, str]:
    """The artifacts that hold the models of trials, by their numbers."""
    if not stored.file.is_text:
        data = stored.file.data.name
        raise InputError(f"{_where(stored)}: no model is kept of {data}, only of text")
    notes = {trial.number: trial.system_attrs for trial in stored.study.get_trials(deepcopy=False)}
    return {number: found for number in notes if (found := kept(notes[number], MODEL))}


def _read(stored: "StoredStudy", number: int, artifact: str) -> bytes:
    path = artifact_folder(stored.storage.url) / artifact
    try:
        return path.read_bytes()
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        what = f"{_where(stored)}: the model of trial {number}"
        raise InputError(f"{what} cannot be read, {path}: {told}") from None
