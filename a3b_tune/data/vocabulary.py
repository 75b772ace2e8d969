"""The words of a data set and their indices, with the course's four special tokens at the head.

Does not know where the words come from, nor what a row looks like.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SPECIALS = (".pad", ".start", ".end", ".unk")
PAD = 0
UNK = 3


@dataclass(frozen=True)
class Vocabulary:
    """`i2w[index]` is the word; `w2i[word]` its index. An embedding needs `len(vocabulary)` rows.

    A word may stand in `i2w` twice (synth has three that are both adjective and noun): `w2i` then
    holds the later index and is the shorter of the two.
    """

    i2w: list[str]
    w2i: dict[str, int]

    @classmethod
    def of(cls, words: Iterable[str]) -> "Vocabulary":
        """The specials, then `words` in the order given."""
        return cls.of_index([*SPECIALS, *words])

    @classmethod
    def of_index(cls, i2w: list[str]) -> "Vocabulary":
        """A full index that already begins with the specials."""
        if tuple(i2w[: len(SPECIALS)]) != SPECIALS:
            raise ValueError(f"a vocabulary begins with {SPECIALS}, not {tuple(i2w[:4])}")
        return cls(i2w, {word: index for index, word in enumerate(i2w)})

    def __len__(self) -> int:
        return len(self.i2w)

    def first(self, size: int) -> "Vocabulary":
        """The first `size` words, specials counted (the course's `voc=N`)."""
        return Vocabulary.of_index(self.i2w[:size])

    def indices(self, words: Iterable[str]) -> list[int]:
        """One index per word; `.unk` for a word that is not known."""
        return [self.w2i.get(word, UNK) for word in words]

    def text(self, indices: Iterable[int]) -> str:
        """The words of a row, padding left out."""
        return " ".join(self.i2w[index] for index in indices if index != PAD)
