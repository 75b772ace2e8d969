"""The toy text: sentences of a small grammar, each followed by ` . `, as one long string.

Bit for bit the course's text for the same seed. Knows nothing of models; what the grammar says of
a text (its floor, the best prediction of each character) is worked out in `ideal` and `floor`.
"""

from functools import lru_cache
from random import Random

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.floor import floor_of
from a3b_tune.data.ideal import Ideal
from a3b_tune.data.text import Floor, Text
from a3b_tune.data.vocabulary import SPECIALS

START = "_s"
RULES = {
    symbol: tuple(ways.split(" | "))
    for symbol, ways in {
        "_s": "_s _adv | _np _vp | _np _vp _prep _np | _np _vp ( _prep _np )"
        " | _np _vp _con _s | _np _vp ( _con _s )",
        "_adv": "briefly | quickly | impatiently",
        "_np": "a _noun | the _noun | a _adj _noun | the _adj _noun",
        "_prep": "on | with | to | for | at",
        "_con": "while | but",
        "_noun": "mouse | bunny | cat | dog | man | woman | person | bear | koala | judge"
        " | businessman | businesswoman | lawyer | teacher | engineer",
        "_vp": "walked | walks | ran | runs | goes | went | hiked",
        "_adj": "short | quick | busy | nice | gorgeous | spectacular | reluctant | systematic"
        " | willowy | engaged | synthetic",
    }.items()
}
"""Each way to rewrite a symbol, all equally likely; what has no ways is a word."""
END = " . "
TRAIN = 100_000  # characters
VALIDATION = TEST = 20_000


def load(seed: int = 0, characters: int = TRAIN) -> Text:
    """At least `characters` to train on from `seed`, 20 000 to validate from `seed + 1` and 20 000
    to test from `seed + 2`, each up to the end of its last sentence.

    The course draws its test text from `seed` itself, and so tests on the beginning of the training
    text; that is not repeated here. The alphabet is the special tokens, then the characters of the
    training and validation texts by falling count.
    """
    train, validation = generate(characters, seed), generate(VALIDATION, seed + 1)
    alphabet = Alphabet.of_counts(train, validation, before=SPECIALS)
    test = alphabet.encode(generate(TEST, seed + 2))
    return Text(
        "toy",
        alphabet.encode(train),
        alphabet.encode(validation),
        test,
        alphabet,
        ideal=predictor().bits(validation),
        measure=entropy,
        judge=predictor().judge,
    )


@lru_cache(maxsize=1)
def predictor() -> Ideal:
    """The ideal predictor of this grammar, which remembers what it has worked out."""
    return Ideal(RULES, START, END.strip())


@lru_cache(maxsize=1)
def entropy() -> Floor:
    """The grammar's bits per character, from 20 000 sentences; about a second the first time."""
    return floor_of(predictor().grammar)


def generate(characters: int, seed: int) -> str:
    """Sentences until there are so many characters.

    Every choice is one call of `random.choice`, always for the leftmost symbol that is left to
    expand: with the symbols on a stack that is the next one to come off.
    """
    choice = Random(seed).choice
    rules = {
        symbol: [tuple(reversed(way.split())) for way in ways] for symbol, ways in RULES.items()
    }
    sentences, written = [], 0
    while written < characters:
        words, waiting = [], [START]
        while waiting:
            symbol = waiting.pop()
            if symbol in rules:
                waiting.extend(choice(rules[symbol]))
            else:
                words.append(symbol)
        sentences.append(" ".join(words) + END)
        written += len(sentences[-1])
    return "".join(sentences)
