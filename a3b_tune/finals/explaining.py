"""An answer's reasons as a reader takes them in: how strong each word is beside the strongest, and
which words say most.

Knows no screen and no page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from a3b_tune.finals.answers import Answer, Why, is_pair

CAUTION = (
    "attention says where the model looked, not what decided its answer: other weights may give the"
    " same one (Jain and Wallace 2019, Attention is not Explanation)"
)


@dataclass(frozen=True)
class Word:
    """A word that was read: its weight, and how strong that is, from -1 to 1, beside the strongest
    of its text."""

    word: str
    unknown: bool
    pair: bool
    weight: float
    strength: float


def words_of(answer: Answer) -> list[Word]:
    """The words of an answer that was explained, in their order."""
    if answer.why is None:
        raise ValueError("an answer without reasons")
    weights = answer.why.weights
    most = max((abs(weight) for weight in weights), default=0.0) or 1.0
    return [
        Word(word, unknown, is_pair(word), weight, weight / most)
        for word, unknown, weight in zip(answer.words, answer.unknown, weights, strict=False)
    ]


def leading(words: Sequence[Word], count: int) -> tuple[list[tuple[str, float]], ...]:
    """The words whose weights add up to most, for and against the answer, the strongest first."""
    sums: dict[str, float] = {}
    for own in words:
        sums[own.word] = sums.get(own.word, 0.0) + own.weight
    order = sorted(sums.items(), key=lambda entry: -abs(entry[1]))
    return (
        [entry for entry in order if entry[1] > 0][:count],
        [entry for entry in order if entry[1] < 0][:count],
    )


def meaning(name: str, why: Why) -> str:
    """What the weights are, in a sentence."""
    if why.kind == "attention":
        return "weights are the last layer's attention, averaged over its heads; they sum to 1"
    if why.against is None:
        return f"weights are what each word adds to the logit of {name}"
    total = sum(why.weights) + (why.rest or 0.0)
    return (
        f"weights are what each word adds to the logit of {name} above that of {why.against}: with"
        f" {why.rest or 0.0:+.2f} that any text gets they sum to {total:+.2f}"
    )
