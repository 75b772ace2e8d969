from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3b_tune.data import inside, toy
from a3b_tune.data.grammar import Grammar
from a3b_tune.data.inside import Inside
from tests.data.grammars import AMBIGUOUS, BOUNDED, rules, sentences


@pytest.mark.parametrize(("grammar", "longest"), [(AMBIGUOUS, 4), (BOUNDED, 9)])
def test_a_sentence_has_the_probability_of_all_its_derivations(grammar, longest):
    made, every = Inside(Grammar(grammar, "S")), sentences(grammar, "S", longest)
    assert len(every) > 50
    for sentence, share in every.items():
        assert 2 ** -made.sentence_bits(sentence) == pytest.approx(float(share), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(rules(), st.lists(st.sampled_from("abc"), min_size=1, max_size=4))
def test_any_grammar_and_any_words(grammar, words):
    share = sentences(grammar, "A", 4).get(tuple(words), 0)
    assert 2 ** -Inside(Grammar(grammar, "A")).sentence_bits(words) == pytest.approx(float(share))


@pytest.mark.parametrize(
    ("sentence", "can"),
    [
        ("a cat walked", True),
        ("the willowy bear ran briefly briefly", True),
        ("a dog went ( but a man ran quickly ) impatiently", True),
        ("a cat", False),
        ("a cat walked (", False),
        ("a car walked", False),
        ("", False),
        ("briefly a cat walked", False),
    ],
)
def test_the_toy_grammars_sentences(sentence, can):
    made = Inside(Grammar(toy.RULES, "_s"))
    assert made.accepts(sentence.split()) is can
    assert (made.sentence_bits(sentence.split()) < inf) is can


def test_nothing_depends_on_what_was_asked_before(monkeypatch):
    grammar = Grammar(toy.RULES, "_s")
    texts = [text.split(" ") for text in toy.generate(3000, 5).split(" . ")[:-1]]
    remembered = Inside(grammar)
    fresh = [Inside(grammar).sentence_bits(text) for text in texts]
    assert [remembered.sentence_bits(text) for text in texts] == fresh
    monkeypatch.setattr(inside, "LIMIT", 3)
    forgetful = Inside(grammar)
    assert [forgetful.sentence_bits(text) for text in texts] == fresh
