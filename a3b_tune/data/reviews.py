"""The IMDb file of the course as arrays: `(sequences, labels, i2w, w2i)` taken apart and checked.

Trusts nothing in the file. Does not know where it lies, how it is cached or how it is split.
"""

from array import array
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from a3b_tune.data.safe_pickle import UNPACKED_LIMIT, BadFileError, read
from a3b_tune.data.vocabulary import SPECIALS

PARTS = ("train", "test")
# The stream spends two bytes or more on each token; a list that stands in it twice does not.
TOKEN_LIMIT = UNPACKED_LIMIT // 2


class Part(NamedTuple):
    """Reviews in the file's order, one behind the other; label 0 is positive, 1 negative."""

    tokens: npt.NDArray[np.int32]  # (total,)
    lengths: npt.NDArray[np.int64]  # (N,)
    labels: npt.NDArray[np.int64]  # (N,)


class Reviews(NamedTuple):
    """Both parts of the file and its words, the special tokens first."""

    words: list[str]
    train: Part
    test: Part


def parse(packed: bytes) -> Reviews:
    """The reviews in the file's bytes. Raises BadFileError for anything but such a file."""
    found = read(packed)
    if not isinstance(found, tuple) or len(found) != 4:
        raise BadFileError("not four things: sequences, labels, i2w, w2i")
    sequences, labels, i2w, w2i = found
    words = _words(i2w, w2i)
    parts = [_part(name, sequences, labels) for name in PARTS]
    return check(Reviews(words, *parts))


def check(reviews: Reviews) -> Reviews:
    """The same, if its arrays belong together and every index is in range, else BadFileError."""
    if tuple(reviews.words[: len(SPECIALS)]) != SPECIALS:
        raise BadFileError(f"the words do not begin with {' '.join(SPECIALS)}")
    for name, (tokens, lengths, labels) in zip(PARTS, reviews[1:], strict=True):
        if len(lengths) != len(labels) or not len(lengths):
            raise BadFileError(f"{len(lengths)} rows and {len(labels)} labels in {name}")
        if int(lengths.min()) < 1 or int(lengths.sum()) != len(tokens):
            raise BadFileError(f"a row without words in {name}, or words without a row")
        if int(tokens.min()) < 0 or int(tokens.max()) >= len(reviews.words):
            raise BadFileError(
                f"a word index out of range in {name}: there are {len(reviews.words)}"
            )
        if not np.isin(labels, (0, 1)).all():
            raise BadFileError(f"a label other than 0 and 1 in {name}")
    return reviews


def _words(i2w: object, w2i: object) -> list[str]:
    # Words are shown on terminals: one with a control character in it is no word.
    if not isinstance(i2w, list) or not all(
        isinstance(word, str) and word.isprintable() and word for word in i2w
    ):
        raise BadFileError("i2w is no list of words")
    if not isinstance(w2i, dict) or w2i != {word: index for index, word in enumerate(i2w)}:
        raise BadFileError("w2i is not i2w turned round")
    return i2w


def _part(name: str, sequences: object, labels: object) -> Part:
    rows, classes = _list_of(name, sequences, "sequences"), _list_of(name, labels, "labels")
    if not all(isinstance(row, list) for row in rows):
        raise BadFileError(f"a row of {name} is no list")
    total = sum(map(len, rows))
    if total > TOKEN_LIMIT:
        raise BadFileError(f"more than {TOKEN_LIMIT:,} words in {name}")
    lengths = np.fromiter(map(len, rows), np.int64, count=len(rows))
    try:
        # array takes whole numbers of 32 bits and nothing else, and copies a row at C's speed.
        tokens = np.empty(total, np.int32)
        for row, end in zip(rows, lengths.cumsum().tolist(), strict=True):
            tokens[end - len(row) : end] = array("i", row)
        return Part(tokens, lengths, np.array(array("i", classes), np.int64))
    except (TypeError, OverflowError) as error:
        raise BadFileError(f"something in {name} is no whole number ({error})") from error


def _list_of(name: str, both: object, what: str) -> list[Any]:
    found = both.get(name) if isinstance(both, dict) else None
    if not isinstance(found, list):
        raise BadFileError(f"{what} hold no list {name!r}")
    return found
