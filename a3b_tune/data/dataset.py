"""One classification data set: two parts of rows, a vocabulary, the names of the classes, a hash.

Does not know how the rows were made, nor which model reads them.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from random import Random

import torch

from a3b_tune.data.glove import Vectors, load_vectors
from a3b_tune.data.pairs import Pairs
from a3b_tune.data.rows import Rows
from a3b_tune.data.vocabulary import SPECIALS, Vocabulary
from a3b_tune.errors import InputError

Lists = tuple[list[list[int]], list[int]]
Course = tuple[Lists, Lists, tuple[list[str], dict[str, int]], int]


@dataclass(frozen=True, eq=False)
class Dataset:
    """`class_names[label]` is what a prediction prints: label 0 is positive in xor and IMDb,
    negative in synth. `data_hash` changes whenever a row, a word, a class name or a vector does.
    Where there are `pairs` the vocabulary ends with them; rows hold words alone until they are cut.
    `vectors` are what words start from, and hold for this vocabulary alone."""

    name: str
    train: Rows
    validation: Rows
    vocabulary: Vocabulary
    class_names: tuple[str, ...]
    pairs: Pairs | None = None
    vectors: Vectors | None = None

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 over the names, the words and both parts' lengths, tokens and labels."""
        head = [self.name, self.class_names, self.vocabulary.i2w]
        digest = hashlib.sha256(json.dumps(head).encode())
        for rows in (self.train.to("cpu"), self.validation.to("cpu")):
            for part in (rows.lengths, rows.tokens, rows.labels):
                little = part.numpy().astype(f"<i{part.element_size()}", order="C", copy=False)
                digest.update(str(len(part)).encode())
                digest.update(little.data)
        if self.vectors is not None:
            digest.update(f"{self.vectors.source} {self.vectors.digest}".encode())
        return digest.hexdigest()

    @property
    def classes(self) -> int:
        return len(self.class_names)

    def first_words(self, size: int) -> "Dataset":
        """The first `size` words (specials counted), the rest `.unk`; itself where it has no more.

        Raises InputError where nothing but the specials would be left.
        """
        if size <= len(SPECIALS):
            raise InputError(
                f"data.vocabulary: {size} leaves no word beside the {len(SPECIALS)} special tokens;"
                f" the least is {len(SPECIALS) + 1}"
            )
        if size >= len(self.vocabulary):
            return self
        parts = self.train.first_words(size), self.validation.first_words(size)
        return Dataset(self.name, *parts, self.vocabulary.first(size), self.class_names)

    def sample(self, rows: int, seed: int) -> "Dataset":
        """Only `rows` training rows, drawn with `seed`: a smaller sample is part of a larger one.

        Raises InputError where there are not that many.
        """
        here = len(self.train)
        if not 1 <= rows <= here:
            raise InputError(f"data.rows: {rows} is not between 1 and {self.name}'s {here} rows")
        drawn = Random(seed).sample(range(here), k=here)[:rows]
        train = self.train.take(torch.tensor(sorted(drawn)))
        return replace(self, train=train)

    def with_pairs(self, size: int) -> "Dataset":
        """The `size` most frequent pairs of neighbouring words of the training rows, as words."""
        pairs = Pairs.most_common(self.train, len(self.vocabulary), size)
        words = Vocabulary.of_index([*self.vocabulary.i2w, *pairs.names(self.vocabulary)])
        return Dataset(self.name, self.train, self.validation, words, self.class_names, pairs)

    def with_vectors(self, asked: str, data_dir: Path | None = None) -> "Dataset":
        """Its words with vectors to start from. InputError as `load_vectors`."""
        return replace(self, vectors=load_vectors(asked, self.vocabulary, data_dir))

    def as_course(self) -> Course:
        """The shape that the course's loaders return:
        `(x_train, y_train), (x_val, y_val), (i2w, w2i), numcls`."""
        words = (self.vocabulary.i2w, self.vocabulary.w2i)
        return self.train.to_lists(), self.validation.to_lists(), words, self.classes
