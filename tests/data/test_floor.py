from math import log2, sqrt
from statistics import stdev

import pytest

from a3b_tune.data import toy
from a3b_tune.data.floor import floor_of
from a3b_tune.data.grammar import Grammar
from a3b_tune.data.inside import Inside
from tests.data.grammars import BOUNDED, sentences


def test_the_toy_grammars_floor():
    floor = toy.entropy()
    assert floor.value == pytest.approx(0.548, abs=0.005)
    assert floor.error < 0.0002


def test_it_is_what_drawn_sentences_need():
    """The plain way: bits of sentences over their characters, with the error of a ratio."""
    inside = Inside(Grammar(toy.RULES, toy.START))
    drawn = [
        (inside.sentence_bits(sentence.split(" ")), len(sentence) + len(" . "))
        for sentence in toy.generate(250_000, 11).split(" . ")[:-1]
    ]
    bits, characters = map(sum, zip(*drawn, strict=True))
    ratio = bits / characters
    spread = stdev(some - ratio * length for some, length in drawn)
    error = spread * sqrt(len(drawn)) / characters
    assert abs(ratio - toy.entropy().value) < 3 * error
    assert error > 5 * toy.entropy().error


def test_where_no_sentence_has_two_parses_it_is_exact():
    rules = {"S": ("a S", "b"), "T": ("x",)}
    floor = floor_of(Grammar(rules, "S"), sentences=50)
    assert floor.value == pytest.approx(2 / 4, abs=1e-9)  # two bits, two words with their blanks
    assert floor.error == pytest.approx(0.0, abs=1e-9)


def test_it_is_the_entropy_of_all_sentences_where_these_can_be_counted():

    every = {sentence: float(p) for sentence, p in sentences(BOUNDED, "S", 9).items()}
    bits = -sum(p * log2(p) for p in every.values())
    characters = sum(p * sum(len(word) + 1 for word in words) for words, p in every.items())
    floor = floor_of(Grammar(BOUNDED, "S"), sentences=3000)
    assert abs(floor.value - bits / characters) < 3 * floor.error
    assert floor.error < 0.01


def test_another_seed_is_another_draw_within_its_error():
    grammar = Grammar(toy.RULES, toy.START)
    one, other = (floor_of(grammar, sentences=1500, seed=seed) for seed in (1, 2))
    assert one != other
    assert abs(one.value - other.value) < 4 * sqrt(one.error**2 + other.error**2)
    assert one == floor_of(grammar, sentences=1500, seed=1)
