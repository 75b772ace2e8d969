"""Rows as a pre-trained model reads them, and whether all that a study may ask of one is here.

Knows no learner, and of weights only their hash.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from a3b_tune.data import Dataset, Rows
from a3b_tune.data.wordpieces import LEAST, Wordpieces
from a3b_tune.errors import InputError
from a3b_tune.models.pretrained import (
    KIND,
    TOKENIZER,
    WEIGHTS,
    checkpoint_folder,
    read_configuration,
)
from a3b_tune.models.registry import settings_of
from a3b_tune.study import Choices, Range, Setting, StudyFile


def checkpoint_of(model: Mapping[str, Any]) -> str | None:
    """Which pre-trained model the `[model]` settings of a trial ask for, if any."""
    if model.get("name") != KIND:
        return None
    return str(model.get("checkpoint", settings_of(KIND)["checkpoint"].default))


def longest_of(checkpoint: str) -> int:
    """The most tokens that a pre-trained model reads. InputError: it cannot be had."""
    return _longest_in(checkpoint_folder(checkpoint).resolve())


def wordpieces_of(checkpoint: str) -> Wordpieces:
    """The tokenizer beside a pre-trained model's weights. InputError: it is none of ours."""
    return _wordpieces_in(checkpoint_folder(checkpoint).resolve())


# Read once, by the whole path: what one folder calls `tiny` is another thing in another.
@cache
def _longest_in(folder: Path) -> int:
    return int(read_configuration(folder)["max_position_embeddings"])


@cache
def _wordpieces_in(folder: Path) -> Wordpieces:
    path = folder / TOKENIZER
    try:
        return Wordpieces.from_json(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"model.checkpoint: {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"model.checkpoint: {path.parent}: {error}") from None


@dataclass(frozen=True)
class PieceRows:
    """The rows of a data set in the wordpieces of one pre-trained model, whole."""

    wordpieces: Wordpieces
    train: Rows
    validation: Rows
    longest: int

    @classmethod
    def of(cls, dataset: Dataset, checkpoint: str) -> "PieceRows":
        """InputError: the pre-trained model cannot be had."""
        pieces = wordpieces_of(checkpoint)
        train = pieces.rows(dataset.train, dataset.vocabulary)
        validation = pieces.rows(dataset.validation, dataset.vocabulary)
        return cls(pieces, train, validation, longest_of(checkpoint))

    def cut(self, max_length: int | None) -> tuple[Rows, Rows]:
        """Both parts, cut to so many wordpieces, or to as many as the model reads."""
        length = self.longest if max_length is None else max_length
        return self.wordpieces.cut(self.train, length), self.wordpieces.cut(self.validation, length)


def make_ready(file: StudyFile) -> None:
    """Fetches, before a study begins or is joined, the pre-trained models that its trials may ask
    for, and looks at all of them but their weights.

    :raises InputError: one cannot be had, or cannot read rows of the lengths that are asked for.
    """
    for checkpoint in checkpoints(file):
        longest, tokenizer = longest_of(checkpoint), wordpieces_of(checkpoint)
        known = read_configuration(checkpoint_folder(checkpoint))["vocab_size"]
        if len(tokenizer) > known:
            raise InputError(
                f"model.checkpoint: {checkpoint!r} knows {known} tokens, but its {TOKENIZER} has"
                f" {len(tokenizer)}"
            )
        for length in map(int, _ends(file.data.max_length)):
            if not LEAST <= length <= longest:
                raise InputError(
                    f"data.max_length: {length} is not between {LEAST} and {longest}, the tokens"
                    f" that {checkpoint!r} reads"
                )


def weight_hashes(file: StudyFile) -> dict[str, str]:
    """For a trial's record: the SHA-256 of the weights of each pre-trained model."""
    return {name: _hash(checkpoint_folder(name) / WEIGHTS) for name in checkpoints(file)}


def widest(file: StudyFile) -> int:
    """The channels of the widest pre-trained model that a study's trials may ask for; 0 where they
    ask for none."""
    found = (read_configuration(checkpoint_folder(name))["dim"] for name in checkpoints(file))
    return max(found, default=0)


def checkpoints(file: StudyFile) -> Iterator[str]:
    """The pre-trained models that a study's trials may ask for, if any."""
    if KIND in _ends(file.model["name"]):
        default = settings_of(KIND)["checkpoint"].default
        yield from map(str, _ends(file.model.get("checkpoint", default)))


def _hash(path: Path) -> str:
    with path.open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()


def _ends(setting: Setting | None) -> tuple[Any, ...]:
    if setting is None:
        return ()
    if isinstance(setting, Choices):
        return setting.choices
    return (setting.low, setting.high) if isinstance(setting, Range) else (setting,)
