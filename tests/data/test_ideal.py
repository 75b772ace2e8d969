from itertools import accumulate
from math import inf, log2

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from a3b_tune.data import prefixes, toy
from a3b_tune.data.grammar import Grammar
from a3b_tune.data.ideal import Ideal
from a3b_tune.data.inside import Inside
from a3b_tune.data.text import Judged
from tests.data.grammars import AMBIGUOUS, BOUNDED, rules, sentences, toy_next

END = "."


@pytest.fixture(scope="module")
def ideal() -> Ideal:
    return toy.predictor()


def test_every_next_word_of_the_toy_text_as_by_hand(ideal):
    for sentence in toy.generate(20_000, 3).split(" . ")[:-1]:
        words = sentence.split(" ")
        for place, expected in enumerate(toy_next(words)):
            assert ideal.next_words(words[:place]) == pytest.approx(expected, abs=1e-12)


def test_every_character_of_the_toy_text_as_by_hand(ideal):
    text = toy.generate(5_000, 4)
    expected: list[float] = []
    for sentence in text.split(" . ")[:-1]:
        words = [*sentence.split(" "), END]
        for word, after in zip(words, toy_next(words[:-1]), strict=True):
            spelt = f"{word} "
            masses = [
                sum(p for other, p in after.items() if f"{other} ".startswith(spelt[:n]))
                for n in range(len(spelt) + 1)
            ]
            expected += [log2(masses[n] / masses[n + 1]) for n in range(len(spelt))]
    bits = ideal.bits(text)
    assert bits.dtype == torch.float64 and len(bits) == len(text)
    assert (bits - torch.tensor(expected, dtype=torch.float64)).abs().max() < 1e-9


@pytest.mark.parametrize(("grammar", "longest"), [(AMBIGUOUS, 4), (BOUNDED, 9)])
def test_word_by_word_a_sentence_has_the_probability_of_its_derivations(grammar, longest):
    made = Ideal(grammar, "S")
    for sentence, share in sentences(grammar, "S", longest).items():
        assert made.sentence_bits(sentence) == pytest.approx(-log2(share), abs=1e-9)


def test_next_words_are_those_of_all_sentences_that_begin_so():
    made, every = Ideal(BOUNDED, "S"), sentences(BOUNDED, "S", 9)
    for beginning in {sentence[:n] for sentence in every for n in range(len(sentence) + 1)}:
        masses: dict[str, float] = {}
        for sentence, share in every.items():
            if sentence[: len(beginning)] == beginning:
                word = (*sentence, END)[len(beginning)]
                masses[word] = masses.get(word, 0.0) + float(share)
        expected = {word: mass / sum(masses.values()) for word, mass in masses.items()}
        assert made.next_words(beginning) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(rules(), st.data())
def test_any_grammar_next_words_sum_to_1_and_lead_to_its_sentences(grammar, data):
    made, inside = Ideal(grammar, "A"), Inside(Grammar(grammar, "A"))
    words: list[str] = []
    bits = 0.0
    for _ in range(12):
        after = made.next_words(words)
        assert sum(after.values()) == pytest.approx(1.0, abs=1e-9)
        word = data.draw(st.sampled_from(sorted(after)))
        bits -= log2(after[word])
        if word == END:
            break
        words.append(word)
    else:
        return
    assert inside.sentence_bits(words) == pytest.approx(bits, abs=1e-9)
    assert made.sentence_bits(words) == pytest.approx(bits, abs=1e-9)


def test_the_characters_of_a_sentence_have_its_bits(ideal):
    inside = Inside(Grammar(toy.RULES, toy.START))
    text = toy.generate(5_000, 5)
    sums = [0.0, *accumulate(ideal.bits(text).tolist())]
    place = 0
    for sentence in text.split(" . ")[:-1]:
        end = place + len(sentence) + len(" . ")
        expected = inside.sentence_bits(sentence.split(" "))
        assert sums[end] - sums[place] == pytest.approx(expected, abs=1e-9)
        place = end


def test_a_text_may_end_anywhere_and_its_beginning_stays_the_same(ideal):
    text = toy.generate(200, 6)
    whole = ideal.bits(text)
    for length in range(len(text)):
        assert torch.equal(ideal.bits(text[:length]), whole[:length])


@pytest.mark.parametrize(
    "text",
    ["x", "a cat walkt", "a cat . ", "a cat walked . . ", "a cat  ", " a", "a cat walked .x"],
)
def test_a_text_of_another_source_is_refused(ideal, text):
    with pytest.raises(ValueError, match="cannot be at character"):
        ideal.bits(text)


def test_long_sentences_neither_vanish_nor_slow_down(ideal):
    """Probabilities far below the smallest float."""
    words = ["a", "cat", "walked", *["while", "a", "cat", "walked"] * 50, *["briefly"] * 500]
    bits = ideal.sentence_bits(words)
    assert bits is not None and 1100 < bits < inf
    assert sum(ideal.next_words(words).values()) == pytest.approx(1.0, abs=1e-9)


def test_what_is_forgotten_is_worked_out_again(ideal, monkeypatch):
    monkeypatch.setattr(prefixes, "LIMIT", 5)
    text = toy.generate(3_000, 7)
    assert torch.equal(Ideal(toy.RULES, toy.START).bits(text), ideal.bits(text))


def test_only_complete_sentences_are_judged(ideal):
    cat = ideal.sentence_bits(["a", "cat", "ran"])
    assert ideal.judge("a cat ran . a cat ran cat . the dog w") == Judged(2, 1, cat)
    assert ideal.judge("a cat ran . a cat ran . ") == Judged(2, 2, 2 * cat)
    assert ideal.judge(" .  .  . ") == Judged(3, 0, 0)
    assert ideal.judge("a cat ran .") == ideal.judge("") == Judged(0, 0, 0)


def test_each_sentence_of_the_toy_text_is_valid(ideal):
    text = toy.generate(20_000, 8)
    judged = ideal.judge(text)
    assert judged.valid == judged.sentences == text.count(" . ")
    assert judged.bits == pytest.approx(float(ideal.bits(text).sum()), rel=1e-9)
