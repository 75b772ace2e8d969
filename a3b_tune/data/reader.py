"""A person's text as the tokens that a model of rows was trained on.

Cuts a text into words as its data set does, looks them up, and says which are not known. Knows no
model and no file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol, get_args

from a3b_tune.data.dataset import Dataset
from a3b_tune.data.pairs import BETWEEN
from a3b_tune.data.table import tokenise
from a3b_tune.data.vocabulary import SPECIALS, UNK, Vocabulary

WordKind = Literal["words", "spaces"]
WORD_KINDS: tuple[WordKind, ...] = get_args(WordKind)
# Data sets whose words are cut at white space and taken as they stand; of the others they are
# lower-cased runs of letters.
AS_THEY_STAND = ("xor", "synth")


class Encoded(NamedTuple):
    """A text as a model reads it: a word, and whether it is unknown, for each of the tokens.
    `left_out` words behind them are more than it reads."""

    tokens: list[int]
    words: list[str]
    unknown: list[bool]
    left_out: int = 0

    def first(self, count: int) -> "Encoded":
        if len(self.tokens) <= count:
            return self
        left_out = self.left_out + count_words(self.words[count:])
        return Encoded(self.tokens[:count], self.words[:count], self.unknown[:count], left_out)


def count_words(words: list[str]) -> int:
    """How many there are, pairs aside."""
    return len(words) - "".join(words).count(BETWEEN)


class Reader(Protocol):
    """Whatever makes tokens of a text."""

    @property
    def kind(self) -> str:
        """How it does, in a word."""

    def encode(self, text: str, max_words: int | None = None) -> Encoded:
        """At least one token; `max_words` is where rows were cut in training."""


@dataclass(frozen=True)
class WordReader:
    """Reads words; where the vocabulary has pairs of neighbours, each one known stands between its
    two words."""

    kind: WordKind
    vocabulary: Vocabulary

    def encode(self, text: str, max_words: int | None = None) -> Encoded:
        """Words that are not known become `.unk`, pairs that are not are left out. A text without
        a word is one `.unk`, whose word is empty."""
        found = (tokenise(text) if self.kind == "words" else text.split()) or [""]
        words = found[:max_words]
        left_out = len(found) - len(words)
        if self._has_pairs:
            words = list(self._with_pairs(words))
        tokens = list(map(self._known.__getitem__, words))
        return Encoded(tokens, words, list(map(UNK.__eq__, tokens)), left_out)

    @cached_property
    def _has_pairs(self) -> bool:
        return any(BETWEEN in word for word in self.vocabulary.i2w)

    @cached_property
    def _known(self) -> "_Indices":
        """Without the special tokens: nobody is to write padding."""
        known = _Indices(self.vocabulary.w2i)
        for word in SPECIALS:
            if known.get(word, len(SPECIALS)) < len(SPECIALS):
                del known[word]
        return known

    def _with_pairs(self, words: list[str]) -> Iterator[str]:
        known = self._known
        for word, following in pairwise([*words, ""]):
            yield word
            pair = f"{word}{BETWEEN}{following}"
            if pair in known:
                yield pair


class _Indices(dict[str, int]):
    """Words and their indices; a word that is not known is `.unk`."""

    def __missing__(self, word: str) -> int:
        return UNK


def reader_of(dataset: Dataset) -> WordReader:
    """The reader that makes of a text what the data set made of its own."""
    kind: WordKind = "spaces" if dataset.name in AS_THEY_STAND else "words"
    return WordReader(kind, dataset.vocabulary)
