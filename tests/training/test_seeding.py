import pytest
import torch

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.load import load
from a3b_tune.data.text import Text
from a3b_tune.training.seeding import seed_place, sentence_starts
from tests.training.texts import chain


@pytest.fixture(scope="module")
def toy() -> Text:
    return load("toy", characters=1000)


def behind(text: Text, place: int) -> str:
    return text.alphabet.decode(text.validation[place - 3 : place])


def test_of_toy_it_is_the_start_of_a_sentence_behind_the_middle(toy):
    place = seed_place(toy, 16)
    assert behind(toy, place) == " . "
    assert 0 <= place - len(toy.validation) // 2 < 1000


def test_sentences_are_spread_over_the_text(toy):
    starts = sentence_starts(toy, 64, 16)
    assert len(set(starts)) == 64
    assert all(behind(toy, place) == " . " for place in starts)
    assert min(starts) < 1000
    assert max(starts) > len(toy.validation) - 1000


def test_a_text_without_sentences_begins_in_its_middle():
    text = chain(500)
    assert seed_place(text, 16) == 250
    assert seed_place(text, 400) == 100


def test_bytes_are_a_seed_where_they_are_characters():
    raw = ("é" * 50 + "the plain words " * 3 + "é" * 50).encode()
    part = torch.tensor(list(raw), dtype=torch.uint8)
    text = Text("t", part, part, part, Alphabet.of_bytes(), unit="byte")
    place = seed_place(text, 16)
    assert len(text.alphabet.decode(part[place : place + 16])) == 16
    only = torch.tensor(list(("é" * 50).encode()), dtype=torch.uint8)
    text = Text("t", only, only, only, Alphabet.of_bytes(), unit="byte")
    assert seed_place(text, 16) == 50
