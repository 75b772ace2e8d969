"""Does a study file fit its model? Each draw it allows is checked before anything is created.

A model has no config class: its constructor's signature says which settings it takes. Knows no
Optuna and trains nothing.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, product

import torch
from torch import nn

from a3b_tune.errors import InputError, unknown
from a3b_tune.models import MODELS, ROW_MODELS, TEXT_MODELS, build, reads_text, settings_of
from a3b_tune.models.own import is_own, source_hash
from a3b_tune.models.registry import check_setting, model_class
from a3b_tune.study import Choices, Range, Scalar, Setting, StudyFile, show_setting
from a3b_tune.training.own_checks import check_own, check_sparse
from a3b_tune.training.pretrained import weight_hashes

# Draws of the model's settings that are tried (on no device, so each costs about a millisecond).
TRIED = 500
# The same of a person's own model, which is built and called.
OWN_TRIED = 60


def model_names(file: StudyFile) -> list[str]:
    """The kinds of model that a study file may draw.

    :raises InputError: one of them is not known, or is a person's own that cannot be had.
    """
    names = [str(name) for name in _ends(file.model["name"])]
    for name in names:
        try:
            model_class(name)
        except InputError as error:
            raise InputError(f"model.name: {error}") from None
    return names


def accepted(name: str) -> list[str]:
    """The keys of `[model]` that a kind of model takes."""
    return list(settings_of(name))


def own_sources(file: StudyFile) -> dict[str, dict[str, str | None]]:
    """For a trial's record: the hash of the file in which each model of a person's own is written,
    and of the weights of each pre-trained one; nothing where there is none."""
    own = {str(name) for name in _ends(file.model["name"]) if is_own(str(name))}
    found = {name: source_hash(name) for name in sorted(own)} | weight_hashes(file)
    return {"model_sources": found} if found else {}


def drop_foreign_settings(file: StudyFile) -> tuple[StudyFile, list[str]]:
    """Leaves out the model settings that none of the file's models takes but some other model does.

    For a command that changes the model of a study file written for another one.

    :returns: the file without them, and their names.
    """
    ours = {key for name in model_names(file) for key in accepted(name)}
    others = {key for name in MODELS for key in accepted(name)}
    foreign = [key for key in file.model if key in others - ours]
    kept = {key: value for key, value in file.model.items() if key not in foreign}
    return file.model_copy(update={"model": kept}), [f"model.{key}" for key in foreign]


def without_head_width(file: StudyFile) -> tuple[StudyFile, list[str]]:
    """Leaves out `head_width` where `width` is given, which decides alone.

    :returns: the file without it, and the names of what was left out.
    """
    if not {"width", "head_width"} <= set(file.model):
        return file, []
    kept = {key: value for key, value in file.model.items() if key != "head_width"}
    return file.model_copy(update={"model": kept}), ["model.head_width"]


def check_model(file: StudyFile, where: str) -> None:
    """Refuses a study file with a model that does not read its data, a key or a draw of the model's
    settings that cannot be, or a batch that cannot be cut as asked.

    :raises InputError: one line with the file, the key, the value and the nearest right name.
    """
    try:
        names = model_names(file)
        _check_data(file, names)
        for key, setting in file.model.items():
            if key != "name":
                _check_key(key, setting, names)
        _check_widths(file, names)
        for name in names:
            _check_draws(file, name)
        if file.is_text:
            _check_batches(file)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _check_data(file: StudyFile, names: Sequence[str]) -> None:
    """A model reads either rows or a text."""
    kind, fitting = ("a text", TEXT_MODELS) if file.is_text else ("rows", ROW_MODELS)
    for name in names:
        if reads_text(name) != file.is_text:
            raise InputError(
                f"model.name: {name!r} does not read {kind}, and data.name is {file.data.name!r};"
                f" what does: {', '.join(fitting)}"
            )


def _check_batches(file: StudyFile) -> None:
    """Of a text: each batch is cut into parts of one size, and its few tokens are all read."""
    parts = file.training.accumulate
    asked = file.training.batch_size or parts
    for size in map(int, asked.values() if isinstance(asked, Range) else _ends(asked)):
        if size % parts:
            nearest = max(parts, round(size / parts) * parts)
            raise InputError(
                f"training.accumulate: a batch of {size} cannot be cut into {parts} parts of one"
                f" size; the nearest that can is training.batch_size = {nearest}"
            )
    if "sparse_adam" in _ends(file.optimizer.name):
        raise InputError(
            "optimizer.name: 'sparse_adam' is for rows of many words, and data.name is"
            f" {file.data.name!r}; did you mean 'adam'?"
        )


def _check_key(key: str, setting: Setting, names: Sequence[str]) -> None:
    takers = [name for name in names if key in accepted(name)]
    if not takers:
        known = list(dict.fromkeys(key for name in names for key in accepted(name)))
        raise InputError(f"model.{key}: {unknown(f'setting of {_either(names)}', key, known)}")
    for name in takers:
        for value in _ends(setting):
            check_setting(name, key, value)


def _check_widths(file: StudyFile, names: Sequence[str]) -> None:
    """With `width` given a search over `head_width` would draw numbers that change nothing."""
    both = {"width", "head_width"}
    if both <= set(file.model) and any(both <= set(accepted(name)) for name in names):
        raise InputError(
            "model.head_width: has no effect where model.width is given; leave one of them out"
        )


def _either(names: Sequence[str]) -> str:
    return " or ".join(names)


def _ends(setting: Setting) -> tuple[Scalar, ...]:
    """Every choice, both ends of a range, or the one value."""
    if isinstance(setting, Choices):
        return setting.choices
    if isinstance(setting, Range):
        return (setting.low, setting.high)
    return (setting,)


def draws(file: StudyFile, name: str) -> Iterator[dict[str, Scalar]]:
    """The grid of all choices and range ends of a model's settings."""
    keys = [key for key in file.model if key in accepted(name)]
    for values in product(*(_ends(file.model[key]) for key in keys)):
        yield dict(zip(keys, values, strict=True))


def _check_draws(file: StudyFile, name: str) -> None:
    own = is_own(name)
    for draw in islice(draws(file, name), OWN_TRIED if own else TRIED):
        model = check_own(name, draw) if own else _check_draw(name, draw)
        if "sparse_adam" in _ends(file.optimizer.name) and not file.is_text:
            check_sparse(name, model)


def _check_draw(name: str, draw: dict[str, Scalar]) -> nn.Module:
    try:
        with torch.device("meta"):
            return build(name, vocabulary=8, classes=8, max_length=8, **draw)
    except InputError as error:
        told = ", ".join(f"model.{key}={show_setting(value)}" for key, value in draw.items())
        raise InputError(f"{error}, drawn with {told}") from None
