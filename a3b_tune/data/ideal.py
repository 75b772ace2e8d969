"""The ideal predictor of a text that a grammar makes: the exact bits of each of its characters.

Of the words that begin alike each has its share of the probability, a blank ends each word, and the
end of a sentence is a word of its own. Knows no model: what a model needs more than this is its
excess.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from math import log2

import torch
from torch import Tensor

from a3b_tune.data.grammar import Grammar
from a3b_tune.data.prefixes import Beginning, Prefixes
from a3b_tune.data.text import Judged


class Ideal:
    """Reads sentences of a grammar, in words with a blank behind each; `end` is the word, not one
    of the grammar's own, that ends a sentence."""

    def __init__(self, rules: Mapping[str, Iterable[str]], start: str, end: str = ".") -> None:
        whole = f"{start} {end}"  # with a blank in it this is no symbol's name
        self.end = end
        self.grammar = Grammar({**rules, whole: (whole,)}, whole)
        self._prefixes = Prefixes(self.grammar)

    def bits(self, text: str) -> Tensor:
        """(M,) float64 the bits of each character, given all those before it; the text begins with
        a sentence and may end anywhere.

        Raises ValueError at the first word that cannot be.
        """
        *words, rest = text.split(" ")
        found: list[float] = []
        beginning = self._prefixes.empty
        for word in words:
            found.extend(self._spelt(beginning, f"{word} ", len(found)))
            beginning = self._after(beginning, word)
        found.extend(self._spelt(beginning, rest, len(found)))
        return torch.tensor(found, dtype=torch.float64)

    def next_words(self, words: Iterable[str]) -> dict[str, float]:
        """The probability of each word that may come after some words of a sentence."""
        beginning = self._prefixes.empty
        for word in words:
            beginning = self._after(beginning, word)
        return {
            word: mass / len(self.grammar.classes[name])
            for name, mass in beginning.next.items()
            for word in self.grammar.classes[name]
        }

    def sentence_bits(self, words: Iterable[str]) -> float | None:
        """-log2 of the probability of a sentence of any length, its end not among the words; None
        where the grammar cannot produce it."""
        beginning, bits = self._prefixes.empty, 0.0
        for word in (*words, self.end):
            name = self.grammar.class_of.get(word)
            if name is None or (after := self._prefixes.after(beginning, name)) is None:
                return None
            beginning = after
            bits += after.bits + log2(len(self.grammar.classes[name]))
        return bits

    def judge(self, sample: str) -> Judged:
        """Of a text that begins where a sentence does: what comes after the last complete sentence
        is left out. A seed that may begin anywhere is for the caller to cut off."""
        *sentences, _ = sample.split(f" {self.end} ")
        bits = [self.sentence_bits(sentence.split(" ")) for sentence in sentences]
        valid = [some for some in bits if some is not None]
        return Judged(len(sentences), len(valid), sum(valid))

    def _after(self, beginning: Beginning, word: str) -> Beginning:
        if word == self.end:
            return self._prefixes.empty
        name = self.grammar.class_of.get(word, word)
        after = self._prefixes.after(beginning, name)
        if after is None:
            raise ValueError(f"{word!r} cannot be word {beginning.place + 1} of the sentence")
        return after

    def _spelt(self, beginning: Beginning, piece: str, place: int) -> list[float]:
        """The bits of the characters of a word, or of the first of them."""
        known = beginning.spelt.get(piece)
        if known is None:
            known, mass = [], sum(beginning.next.values())
            for length in range(1, len(piece) + 1):
                shares = self._shares.get(piece[:length], {})
                left = sum(beginning.next.get(name, 0.0) * share for name, share in shares.items())
                if left <= 0.0:
                    raise ValueError(f"{piece!r} cannot be at character {place + 1}")
                known.append(log2(mass / left))
                mass = left
            beginning.spelt[piece] = known
        return known

    @cached_property
    def _shares(self) -> dict[str, dict[str, float]]:
        """For each beginning of a word: the share of each class's words that begin so."""
        shares: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for name, words in self.grammar.classes.items():
            for word in words:
                for length in range(1, len(word) + 2):
                    shares[f"{word} "[:length]][name] += 1 / len(words)
        return shares
