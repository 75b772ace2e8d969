"""WHAT a model is trained on: rows with labels and their batches, or one long text and its windows.

Knows nothing of models, training, Optuna or study files. The way in is `a3b_tune.data.load.load`,
which answers rows with a `Dataset` and a text with a `Text`; `fetch`, `imdb`, `table`, `toy`, `wp`
and `ceilings` are named by their own modules, so that a function never hides the module it is in.
"""

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.batches import Batches
from a3b_tune.data.dataset import Dataset
from a3b_tune.data.rows import Rows
from a3b_tune.data.text import Floor, Judged, Text
from a3b_tune.data.vocabulary import PAD, SPECIALS, UNK, Vocabulary
from a3b_tune.data.windows import Windows

__all__ = [
    "PAD",
    "SPECIALS",
    "UNK",
    "Alphabet",
    "Batches",
    "Dataset",
    "Floor",
    "Judged",
    "Rows",
    "Text",
    "Vocabulary",
    "Windows",
]
