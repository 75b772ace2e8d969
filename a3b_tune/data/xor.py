"""The xor data: two words, true or false; positive (label 0) where they differ.

Bit for bit the course's `load_xor` for the same seed. Knows nothing of models.
"""

from random import Random

from a3b_tune.data.dataset import Dataset
from a3b_tune.data.rows import Rows
from a3b_tune.data.vocabulary import Vocabulary

ROWS = 25_000
TRUE, FALSE = 4, 5


def load(seed: int = 0) -> Dataset:
    """25 000 + 25 000 rows of two tokens; four of them are distinct."""
    train, validation = _parts(seed, 2)
    words = Vocabulary.of(["true", "false"])
    return Dataset("xor", train, validation, words, ("positive", "negative"))


def for_test(seed: int = 0) -> Rows:
    """The 25 000 rows that are drawn next."""
    return _parts(seed, 3)[-1]


def _parts(seed: int, count: int) -> list[Rows]:
    choice = Random(seed).choice
    x = [[choice((TRUE, FALSE)), choice((TRUE, FALSE))] for _ in range(count * ROWS)]
    y = [0 if one != other else 1 for one, other in x]
    places = range(0, count * ROWS, ROWS)
    return [Rows.from_lists(x[at : at + ROWS], y[at : at + ROWS]) for at in places]
