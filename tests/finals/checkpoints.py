"""Checkpoint folders with models that nobody trained: what they answer is random but fixed."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.reader import WordReader
from a3b_tune.data.vocabulary import Vocabulary
from a3b_tune.finals.checkpoint import Trained, write_checkpoint
from a3b_tune.models import build

WORDS = ("this", "old", "movie", "was", "not", "very", "great", "a", "bad", "film", "not very")


def rows(
    path: Path, name: str = "baseline", words=WORDS, longest: int = 40, **settings: Any
) -> Path:
    """A folder with a model of rows, of two classes, that reads at most `longest` tokens."""
    vocabulary = Vocabulary.of(words)
    model = built(name, len(vocabulary), 2, longest, settings)
    reader = WordReader("words", vocabulary)
    told = {"name": name, **settings}
    trained = Trained(
        model, told, reader, ("negative", "positive"), None, longest, 20, "imdb", "0" * 64
    )
    return written(path, trained)


def text(path: Path, longest: int = 16) -> Path:
    """A folder with a model that writes text."""
    settings = {"width": 8, "depth": 2, "heads": 2}
    model = built("causal_transformer", 5, 5, longest, settings)
    told = {"name": "causal_transformer", **settings}
    trained = Trained(
        model, told, None, (), Alphabet(tuple("abc .")), longest, None, "toy", "0" * 64
    )
    return written(path, trained)


def built(name: str, tokens: int, classes: int, longest: int, settings: Any) -> nn.Module:
    torch.manual_seed(0)
    sizes = {"vocabulary": tokens, "classes": classes, "max_length": longest}
    return build(name, **sizes, **settings).eval()


def written(path: Path, trained: Trained) -> Path:
    write_checkpoint(path, trained, {"accuracy": 0.5}, {"study": "none"})
    return path
