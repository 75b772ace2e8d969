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
    choice = Random(seed).choice
    x = [[choice((TRUE, FALSE)), choice((TRUE, FALSE))] for _ in range(2 * ROWS)]
    y = [0 if one != other else 1 for one, other in x]
    train, validation = Rows.from_lists(x[:ROWS], y[:ROWS]), Rows.from_lists(x[ROWS:], y[ROWS:])
    words = Vocabulary.of(["true", "false"])
    return Dataset("xor", train, validation, words, ("positive", "negative"))
