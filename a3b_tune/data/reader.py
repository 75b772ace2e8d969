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
    """A text as a model reads it: a word, and whether it is unknown, for each of the tokens."""

    tokens: list[int]
    words: list[str]
    unknown: list[bool]

    def first(self, count: int) -> "Encoded":
        return Encoded(self.tokens[:count], self.words[:count], self.unknown[:count])


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
        words = (tokenise(text) if self.kind == "words" else text.split())[:max_words] or [""]
        found = list(self._beside(words) if self._has_pairs else self._alone(words))
        return Encoded([t for t, _ in found], [w for _, w in found], [t == UNK for t, _ in found])

    @cached_property
    def _has_pairs(self) -> bool:
        return any(BETWEEN in word for word in self.vocabulary.i2w)

    @cached_property
    def _known(self) -> dict[str, int]:
        """Without the special tokens: nobody is to write padding."""
        return {word: at for word, at in self.vocabulary.w2i.items() if at >= len(SPECIALS)}

    def _alone(self, words: list[str]) -> Iterator[tuple[int, str]]:
        known = self._known
        return ((known.get(word, UNK), word) for word in words)

    def _beside(self, words: list[str]) -> Iterator[tuple[int, str]]:
        known = self._known
        for word, following in pairwise([*words, ""]):
            yield known.get(word, UNK), word
            pair = f"{word}{BETWEEN}{following}"
            if pair in known:
                yield known[pair], pair


def reader_of(dataset: Dataset) -> WordReader:
    """The reader that makes of a text what the data set made of its own."""
    kind: WordKind = "spaces" if dataset.name in AS_THEY_STAND else "words"
    return WordReader(kind, dataset.vocabulary)
