from collections import Counter
from math import log2
from random import Random

import pytest

from a3b_tune.data import toy
from a3b_tune.data.grammar import Grammar
from tests.data.grammars import AMBIGUOUS, BOUNDED, sentences


def test_words_that_are_alike_in_every_place_are_a_class():
    classes = {frozenset(words) for words in Grammar(toy.RULES, "_s").classes.values()}
    articles, brackets = frozenset({"a", "the"}), ({"("}, {")"})
    kinds = [frozenset(toy.RULES[kind]) for kind in ("_adv", "_prep", "_con", "_noun", "_vp")]
    assert classes == {articles, *map(frozenset, brackets), *kinds, frozenset(toy.RULES["_adj"])}


def test_words_that_are_only_alike_together_are_none():
    """Exchanging all a and b leaves `a a | b b` as it is, exchanging one of them does not."""
    assert len(Grammar({"S": ("a a", "b b")}, "S").classes) == 2
    assert len(Grammar({"S": ("a a", "b b", "a b", "b a")}, "S").classes) == 1
    assert len(Grammar({"S": ("a", "a", "b")}, "S").classes) == 2  # a is twice as likely


def test_means_are_those_of_all_sentences():
    grammar, every = Grammar(BOUNDED, "S"), sentences(BOUNDED, "S", 99)
    assert sum(every.values()) == 1
    for name, words in grammar.classes.items():
        mean = sum(
            share * sum(word in words for word in sentence) for sentence, share in every.items()
        )
        assert grammar.expected.words[name] == pytest.approx(float(mean), abs=1e-12)


def test_the_bits_of_derivations_are_those_that_are_drawn():
    grammar, random = Grammar(AMBIGUOUS | {"S": ("T", "T", "S c", "a S b")}, "S"), Random(1)
    drawn = [grammar.draw(random)[1] for _ in range(20_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(grammar.expected.bits, rel=0.03)


def test_sentences_are_drawn_as_often_as_they_are_likely():
    rules = {"S": ("A B", "B"), "A": ("x y", "z", "B z"), "B": ("x", "y y")}
    grammar, random = Grammar(rules, "S"), Random(2)
    every = sentences(rules, "S", 9)
    found = Counter(tuple(grammar.draw(random)[0]) for _ in range(20_000))
    assert set(found) == set(every)
    for sentence, share in every.items():
        assert found[sentence] / 20_000 == pytest.approx(float(share), abs=0.02)


def test_a_drawn_sentence_comes_with_its_derivations_bits():
    grammar = Grammar({"S": ("a S", "a S", "b")}, "S")
    sentence, bits = grammar.draw(Random(4))
    assert bits == pytest.approx((len(sentence) - 1) * log2(1.5) + log2(3))


def test_left_corners_count_every_depth():
    corners = Grammar({"S": ("S a", "T b"), "T": ("S c", "d")}, "S").corners
    # From S: S again with 1/2, T with 1/2, and from T again S with 1/2.
    assert corners["S"]["S"] == pytest.approx(1 / (1 - 0.5 - 0.25))
    assert corners["S"]["T"] == pytest.approx(corners["S"]["S"] / 2)


@pytest.mark.parametrize(
    ("rules", "what"),
    [
        ({"S": ("a", "")}, "may not become nothing"),
        ({"S": ("T", "a"), "T": ("S", "b")}, "become one another"),
        ({"S": ("S", "a")}, "S -> S become one another"),
    ],
)
def test_a_grammar_that_cannot_be_read_is_refused(rules, what):
    with pytest.raises(ValueError, match=what):
        Grammar(rules, "S")


def test_a_grammar_whose_sentences_do_not_end_has_no_means():
    with pytest.raises(ValueError, match="no mean length"):
        _ = Grammar({"S": ("S S", "a")}, "S").expected
