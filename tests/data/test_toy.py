import hashlib
from random import Random

import pytest
import torch

from a3b_tune.data import toy
from a3b_tune.data.vocabulary import SPECIALS


def sha(tokens: torch.Tensor) -> str:
    assert tokens.dtype == torch.uint8
    return hashlib.sha256(bytes(tokens.tolist())).hexdigest()


@pytest.mark.parametrize(
    ("characters", "tokens", "train", "validation"),
    [
        (
            100_000,
            100_018,
            "5549284d5a4419a61f4df58d564dde278af892f8adec1ad06086e9cbdc9f8e88",
            "7c8687432ba2b09134320674eac791e822cae4709ba869c6d34bcf094e81895c",
        ),
        (
            150_000,
            150_055,
            "5b68c547aba2278d22fe9f4474e9f4a531cceda65f5225ff6d8c30e8dc3f2634",
            "d400f975c8f033e43d5e0c196c4e89256659e9160d173deb736ec5728a86a6ba",
        ),
    ],
)
def test_the_courses_text_bit_for_bit(characters, tokens, train, validation):
    text = toy.load(0, characters)
    assert (len(text.train), len(text.validation)) == (tokens, 20_017)
    assert (sha(text.train), sha(text.validation)) == (train, validation)
    assert len(text.alphabet) == 31 and text.alphabet.i2t[:4] == SPECIALS


def test_the_test_text_is_its_own_and_not_the_beginning_of_the_training_text():
    text = toy.load(0)
    test = text.alphabet.decode(text.test)
    assert test == toy.generate(20_000, 2) and len(test) >= 20_000
    assert text.alphabet.decode(text.train[:200]) != test[:200]
    assert text.alphabet.decode(text.validation) == toy.generate(20_000, 1)


def test_the_leftmost_symbol_is_rewritten_first():
    """The plain way: look for the first symbol from the left, put one of its ways in its place."""
    random, expected = Random(9), ""
    while len(expected) < 3_000:
        words = [toy.START]
        while open_ := [at for at, word in enumerate(words) if word in toy.RULES]:
            at = open_[0]
            words[at : at + 1] = random.choice(toy.RULES[words[at]]).split()
        expected += " ".join(words) + " . "
    assert toy.generate(3_000, 9) == expected


def test_seeds_and_sizes():
    one, more, other = toy.load(0, 1_000), toy.load(0, 2_000), toy.load(1, 1_000)
    assert more.alphabet.decode(more.train).startswith(one.alphabet.decode(one.train))
    assert len({text.data_hash for text in (one, more, other, toy.load(0, 1_000))}) == 3


def test_the_ideal_bits_belong_to_the_validation_text():
    text = toy.load(3, 1_000)
    assert text.ideal is not None and text.judge is not None
    assert text.ideal.shape == text.validation.shape and text.ideal.dtype == torch.float64
    assert bool((text.ideal >= -1e-12).all())
    # Behind an article 26 words may come, behind the blank before it two articles.
    assert float(text.ideal[0]) == 1.0
    assert float(text.ideal.mean()) == pytest.approx(text.floor.value, abs=0.02)
    assert text.judge(text.alphabet.decode(text.validation)).valid_share == 1.0
