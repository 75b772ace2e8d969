"""IMDb-synth: `this ADJECTIVE NOUN VERB {not|very} {great|terrible}`; the two last words decide.

Bit for bit the course's `load_imdb_synth` for the same seed. Knows nothing of models.
"""

from random import Random

from a3b_tune.data.dataset import Dataset
from a3b_tune.data.rows import Rows
from a3b_tune.data.vocabulary import SPECIALS, Vocabulary

ROWS = 25_000
FIXED = "this not very great terrible"
VERBS = "was is became becomes seemed seems"
ADJECTIVES = (
    "classic silent modern vintage independent foreign animated documentary epic dramatic romantic"
    " comic thrilling mysterious gritty stylized iconic acclaimed popular forgettable unreleased"
    " awardwinning blockbuster lowbudget highbudget experimental mainstream cult notable original"
)
NOUNS = (
    "movie film motion-picture feature featurette picture flick cinema screenplay blockbuster"
    " talkie silent biopic short docudrama documentary animation cartoon anime telefilm miniseries"
    " drama comedy thriller western musical noir"
)
THIS, NOT, VERY, GREAT, TERRIBLE = range(len(SPECIALS), len(SPECIALS) + 5)


def load(seed: int = 0) -> Dataset:
    """25 000 + 25 000 rows of six tokens. Label 1 is positive: "very great" or "not terrible".

    Three words are both adjective and noun; as the course looks words up in `w2i`, such an
    adjective carries the noun's index.
    """
    train, validation = _parts(seed, 2)
    return Dataset("synth", train, validation, _words(), ("negative", "positive"))


def for_test(seed: int = 0) -> Rows:
    """The 25 000 rows that are drawn next."""
    return _parts(seed, 3)[-1]


def _words() -> Vocabulary:
    return Vocabulary.of(f"{FIXED} {VERBS} {ADJECTIVES} {NOUNS}".split())


def _parts(seed: int, count: int) -> list[Rows]:
    words = _words()
    parts = [words.indices(some.split()) for some in (ADJECTIVES, NOUNS, VERBS)]
    parts += [[NOT, VERY], [GREAT, TERRIBLE]]
    choice = Random(seed).choice
    x = [[THIS, *(choice(part) for part in parts)] for _ in range(count * ROWS)]
    y = [0 if (row[-2] == VERY) != (row[-1] == GREAT) else 1 for row in x]
    places = range(0, count * ROWS, ROWS)
    return [Rows.from_lists(x[at : at + ROWS], y[at : at + ROWS]) for at in places]
