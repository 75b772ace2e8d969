"""What a checkpoint answers a person's texts: a class for each, how sure it is, what it could not
read, and why.

Texts of similar length are answered together, and answers come in the order of the texts. Knows
neither files nor the terminal. Letters: B texts, T positions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Any

import numpy as np
import torch
from torch import Tensor

from a3b_tune.data.pairs import BETWEEN
from a3b_tune.data.reader import Encoded, count_words
from a3b_tune.data.vocabulary import PAD
from a3b_tune.errors import InputError
from a3b_tune.finals.checkpoint import Checkpoint
from a3b_tune.models.explaining import Kind, explain

TOKENS = 2**14  # in a batch, padding included
PAIRS = 2**22  # of tokens that look at one another in a batch
BRACKETS = ("[CLS]", "[SEP]")
GOES_ON = "##"  # begins a wordpiece that is not a word's first


@dataclass(frozen=True)
class Why:
    """What each of an answer's words had to do with it: see `models/explaining.py`. `against` is
    the class that contributions speak against."""

    kind: Kind
    weights: list[float]
    rest: float | None
    against: str | None


@dataclass(frozen=True)
class Answer:
    """`words` are what the model read, pairs of neighbours among them, and `unknown` says which it
    does not know; `left_out` words were too many for it. A text without a word has none."""

    text: str
    words: list[str]
    unknown: list[bool]
    left_out: int
    probabilities: dict[str, float]
    why: Why | None = None

    @property
    def name(self) -> str:
        """The likeliest class."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def read(self) -> int:
        """How many words were read, pairs aside, and wordpieces that go on with a word."""
        if not is_bracket(self.words[0] if self.words else ""):
            return count_words(self.words)
        return sum(not is_bracket(w) and not w.startswith(GOES_ON) for w in self.words)

    @property
    def unknown_words(self) -> list[str]:
        return list(compress(self.words, self.unknown))

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        told: dict[str, Any] = {
            "text": self.text,
            "class": self.name,
            "probabilities": {name: round(p, 6) for name, p in self.probabilities.items()},
            "words": self.read,
            "unknown": self.unknown_words,
        }
        if self.left_out:
            told["left_out"] = self.left_out
        if self.why is not None:
            weights = [round(weight, 6) for weight in self.why.weights]
            told["explained"] = self.why.kind
            told["weights"] = [list(own) for own in zip(self.words, weights, strict=False)]
            if self.why.rest is not None:
                told |= {"rest": round(self.why.rest, 6), "against": self.why.against}
        return told


class Answerer:
    """Answers with the model of a checkpoint. `kind` is that of its reasons, None without any.

    :param explained: say why, too.
    :raises InputError: it is a model of text; or it cannot say why, and shall.
    """

    def __init__(self, checkpoint: Checkpoint, *, explained: bool = False) -> None:
        if checkpoint.alphabet is not None:
            raise InputError(
                f"{checkpoint.path}: a model that writes text and knows no classes: a3b-tune sample"
                f" {checkpoint.path} --seed-text TEXT"
            )
        self._checkpoint = checkpoint
        self.kind: Kind | None = None
        if not explained:
            return
        _, found = explain(checkpoint.model, torch.tensor([[PAD + 1]]))
        if found is None:
            raise InputError(
                f"{checkpoint.path}: model {checkpoint.settings['name']} cannot be explained: it"
                " shows no attention and does not add its words up"
            )
        self.kind = found.kind

    def answers(self, texts: Sequence[str]) -> list[Answer]:
        """One for each text, in their order."""
        encoded = [self._checkpoint.encode(text) for text in texts]
        found: dict[int, Answer] = {}
        for places in batches([len(own.tokens) for own in encoded]):
            rows = [encoded[place] for place in places]
            for place, (chances, why) in zip(places, self._batch(rows), strict=True):
                found[place] = self._answer(texts[place], encoded[place], chances, why)
        return [found[place] for place in range(len(texts))]

    def _batch(self, rows: list[Encoded]) -> Iterator[tuple[list[float], Why | None]]:
        tokens = padded([own.tokens for own in rows])
        if self.kind is None:
            with torch.inference_mode():
                logits = self._checkpoint.model(tokens)
            return ((chances, None) for chances in chances_of(logits))
        logits, explained = explain(self._checkpoint.model, tokens)
        assert explained is not None
        rests = [None] * len(rows) if explained.rest is None else explained.rest.tolist()
        others = [None] * len(rows) if explained.against is None else explained.against.tolist()
        names = self._checkpoint.class_names
        whys = (
            Why(
                explained.kind,
                weights[: len(own.tokens)],
                rest,
                None if other is None else names[other],
            )
            for own, weights, rest, other in zip(
                rows, explained.weights.tolist(), rests, others, strict=True
            )
        )
        return zip(chances_of(logits), whys, strict=True)

    def _answer(self, text: str, own: Encoded, chances: list[float], why: Why | None) -> Answer:
        names = self._checkpoint.class_names
        probabilities = dict(zip(names, chances, strict=True))
        if not any(word and not is_bracket(word) for word in own.words):
            return Answer(text, [], [], 0, probabilities, why)
        return Answer(text, own.words, own.unknown, own.left_out, probabilities, why)


def is_bracket(word: str) -> bool:
    """Whether it stands around a text of wordpieces."""
    return word in BRACKETS


def is_pair(word: str) -> bool:
    """Whether it is two neighbouring words in one."""
    return BETWEEN in word


def chances_of(logits: Tensor) -> list[list[float]]:
    """Logits (B, classes) as the probability of each class."""
    chances: list[list[float]] = logits.double().softmax(1).tolist()
    return chances


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of rows that are answered together: of similar length, and not too many at once."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    while order:
        length = lengths[order[0]]
        rows = max(1, min(TOKENS // length, PAIRS // length**2))
        yield order[:rows]
        order = order[rows:]


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """(B, T) from rows of tokens."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    tokens = np.full((len(rows), lengths.max()), PAD)
    there = np.arange(tokens.shape[1]) < lengths[:, None]
    tokens[there] = np.fromiter(chain.from_iterable(rows), np.int64, int(lengths.sum()))
    return torch.from_numpy(tokens)
