"""WHAT a model is trained on: integer rows, a vocabulary, and the batches made of them.

Knows nothing of models, training, Optuna or study files. The way in is `a3b_tune.data.load.load`,
which answers every data set of the course and a user's own table with one `Dataset`; `fetch`,
`imdb`, `table` and `ceilings` are named by their own modules, so that a function never hides the
module it lives in.
"""

from a3b_tune.data.batches import Batches
from a3b_tune.data.dataset import Dataset
from a3b_tune.data.rows import Rows
from a3b_tune.data.vocabulary import PAD, SPECIALS, UNK, Vocabulary

__all__ = ["PAD", "SPECIALS", "UNK", "Batches", "Dataset", "Rows", "Vocabulary"]
