"""What the last training of a study reads: all that the search trained and validated on, and the
test part that nothing in the search has seen.

Knows nothing of models; which settings are worth it was decided above.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from a3b_tune.data import imdb, synth, table, text_file, toy, wp, xor
from a3b_tune.data.dataset import Dataset
from a3b_tune.data.rows import Rows
from a3b_tune.data.text import Text
from a3b_tune.errors import InputError
from a3b_tune.study.data_section import DataSection


@dataclass(frozen=True, eq=False)
class Final:
    """`data` trains on what the search trained and validated on; its validation part is that of the
    search, so a score on it is of what was trained on. Of `test` only the validation part is meant:
    it is the test part. `sampled` says that `data.rows` left training rows out."""

    data: Dataset | Text
    test: Dataset | Text
    sampled: bool = False


def load_final(
    section: DataSection,
    searched: Dataset | Text,
    data_dir: Path | None = None,
    test_path: Path | None = None,
) -> Final:
    """The parts for a study's `[data]` section.

    :param searched: what the search was run on.
    :param test_path: a table's test file, where the section does not name it.
    :raises InputError: a table without a test file, or as the data set's own `load`.
    """
    if isinstance(searched, Text):
        return _text(section, searched, data_dir)
    data, test = _rows(section, searched, data_dir, test_path)
    if section.vocabulary is not None:
        data, test = data.first_words(section.vocabulary), test.first_words(section.vocabulary)
    if section.bigrams is not None:
        data = data.with_pairs(section.bigrams)
    if section.embeddings is not None:
        data = data.with_vectors(section.embeddings, data_dir)
    return Final(data, replace(data, train=test, validation=test), section.rows is not None)


def _rows(
    section: DataSection, searched: Dataset, data_dir: Path | None, test_path: Path | None
) -> tuple[Dataset, Rows]:
    """What is trained on, without pairs, and the test part in the same words."""
    both = joined(searched.train, searched.validation)
    words = searched.vocabulary
    if searched.pairs is not None:
        words = words.first(searched.pairs.words)
    data = Dataset(section.name, both, searched.validation, words, searched.class_names)
    if section.name in ("xor", "synth"):
        made = xor if section.name == "xor" else synth
        return data, made.for_test(section.seed)
    if section.name == "imdb":
        found = imdb.load(data_dir, final=True)
        # In the order of the file, unless only a sample of it is wanted.
        if not section.rows:
            data = replace(data, train=found.train, vocabulary=found.vocabulary)
        return data, found.validation
    return _table(section, data, test_path)


def _table(section: DataSection, data: Dataset, test_path: Path | None) -> tuple[Dataset, Rows]:
    assert section.path is not None
    columns = (section.text_column, section.label_column)
    asked = test_path or (None if section.test_path is None else Path(section.test_path))
    if asked is None:
        raise InputError(
            f"{section.path} has no test part: name a table of the same columns by --test-path FILE"
            " (or data.test_path in the study file)"
        )
    if not section.rows:
        path, split, seed = Path(section.path), section.split, section.seed
        data = table.load_whole(path, *columns, split=split, seed=seed)
    return data, table.load_test(asked, data.vocabulary, data.class_names, *columns)


def _text(section: DataSection, searched: Text, data_dir: Path | None) -> Final:
    train, ideal = _joined_text(section, searched, data_dir), None
    if section.name == "toy":
        ideal = toy.predictor().bits(searched.alphabet.decode(searched.test))
    data = replace(searched, train=train)
    test = replace(
        searched, train=searched.validation, validation=searched.test, ideal=ideal, judge=None
    )
    return Final(data, test)


def _joined_text(section: DataSection, searched: Text, data_dir: Path | None) -> Tensor:
    """What was trained on and what validated, as one text; of a file the part that holds both, so
    that a mapped one stays mapped."""
    if section.name == "wp":
        return wp.load(data_dir, final=True).train
    if section.name == "text":
        path, split = Path(section.path or ""), section.split
        whole = text_file.load(path, section.tokens, split=split, data_dir=data_dir, final=True)
        return whole.train
    return torch.cat([searched.train, searched.validation])


def joined(first: Rows, second: Rows) -> Rows:
    """The rows of both; of equal length, those of the first come first."""
    packed = [rows.packed() for rows in (first, second)]
    tokens, lengths, labels = (
        torch.cat([getattr(rows, part) for rows in packed])
        for part in ("tokens", "lengths", "labels")
    )
    return Rows.from_flat(tokens, lengths, labels)
