"""Small grammars and slow, plain ways to the numbers that the package works out fast."""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import comb

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from a3b_tune.data import toy
from a3b_tune.data.grammar import Grammar

AMBIGUOUS = {
    "S": ("S S", "T", "a S b", "S c", "T T"),
    "T": ("a", "b", "a", "S d", "U"),
    "U": ("c", "d"),
}
"""Left and right recursion, ways of one symbol, a way that counts twice, words that are alike
nowhere, and more parses than words."""

BOUNDED = {
    "S": ("A B", "A A", "B", "A big B"),
    "A": ("a", "the", "B B"),
    "B": ("cat", "dog", "car", "cat dog"),
}
"""A grammar with finitely many sentences."""


def sentences(rules: dict, start: str, longest: int) -> dict[tuple[str, ...], Fraction]:
    """All sentences up to a length and their probabilities, by writing out every derivation."""
    found: dict[tuple[str, ...], Fraction] = defaultdict(Fraction)
    open_ = [((start,), Fraction(1))]
    while open_:
        text, share = open_.pop()
        at = next((at for at, symbol in enumerate(text) if symbol in rules), None)
        if at is None:
            found[text] += share
            continue
        ways = rules[text[at]]
        for way in ways:
            longer = (*text[:at], *way.split(), *text[at + 1 :])
            if len(longer) <= longest:
                open_.append((longer, share / len(ways)))
    return found


@st.composite
def rules(draw: st.DrawFn) -> dict[str, list[str]]:
    """Grammars of three symbols whose sentences have a mean length."""
    words = st.lists(st.sampled_from("abc"), min_size=1, max_size=2).map(" ".join)
    mixed = st.lists(st.sampled_from("ABCabc"), min_size=1, max_size=3).map(" ".join)
    made = {
        symbol: draw(st.lists(words, min_size=1, max_size=2)) + draw(st.lists(mixed, max_size=2))
        for symbol in "ABC"
    }
    try:
        lengthy = Grammar(made, "A").expected.words
    except (ValueError, np.linalg.LinAlgError):
        assume(False)
    assume(sum(lengthy.values()) < 8)
    return made


def toy_next(words: list[str]) -> Iterator[dict[str, float]]:
    """For the toy grammar, by hand: what may come before each word, and at the end.

    Adverbs are where its parses differ. If m sentences end at one place, each may have taken any
    number k of them with (1/6)^k 5/6, so their sum is negative binomial: after j adverbs one more
    comes with P(N > j) / P(N >= j), whoever took them.
    """
    kind = {way: symbol for symbol, ways in toy.RULES.items() for way in ways if " " not in way}
    levels = [[1, 0]]  # sentences that end here, adverbs so far; one more pair in parentheses
    plan = ["np", "vp", "tail"]
    for word in [*words, None]:
        after: dict[str, float] = defaultdict(float)
        step = plan.pop(0)
        if step == "np":
            after.update({"a": 0.5, "the": 0.5})
        elif step == "det":
            _spread(after, "_adj", 0.5)
            _spread(after, "_noun", 0.5)
        elif step in ("noun", "vp"):
            _spread(after, f"_{step}", 1.0)
        elif step == "tail":
            _spread(after, "_prep", 0.2)
            after["("] = 0.4
            _spread(after, "_con", 0.2)
            _close(after, levels, 0.2)
        elif step == "open":
            _spread(after, "_prep", 0.5)
            _spread(after, "_con", 0.5)
        elif step == ")":
            after[")"] = 1.0
        elif step == "closed":
            _close(after, levels, 1.0)
        yield dict(after)
        what = kind.get(word, word)
        if step == "np":
            plan.insert(0, "det")
        elif what == "_adj":
            plan.insert(0, "noun")
        elif what == "_prep":
            plan = ["np", *([")"] if step == "open" else []), "closed"]
        elif what == "(":
            plan = ["open"]
        elif what == "_con":
            if step == "open":
                levels.append([1, 0])
            else:
                levels[-1][0] += 1
            plan = ["np", "vp", "tail"]
        elif what in ("_adv", ")"):
            if what == "_adv":
                levels[-1][1] += 1
            elif step != ")":
                levels.pop()
            plan = plan if step == ")" else ["closed"]


def _spread(after: dict[str, float], symbol: str, mass: float) -> None:
    for word in toy.RULES[symbol]:
        after[word] += mass / len(toy.RULES[symbol])


def _close(after: dict[str, float], levels: list[list[int]], mass: float) -> None:
    ending, so_far = levels[-1]
    more = _at_least(ending, so_far + 1) / _at_least(ending, so_far)
    _spread(after, "_adv", mass * more)
    after[")" if len(levels) > 1 else "."] += mass * (1 - more)


def _at_least(m: int, j: int) -> float:
    """P(N >= j) of a negative binomial of m, its far end left out."""
    return sum(comb(k + m - 1, k) * (1 / 6) ** k * (5 / 6) ** m for k in range(j, j + 80))
