import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.data import alphabet as alphabet_module
from a3b_tune.data.alphabet import Alphabet
from a3b_tune.errors import InputError


@given(st.text(min_size=1))
def test_what_is_encoded_comes_back(text):
    alphabet = Alphabet.of_counts(text)
    assert alphabet.decode(alphabet.encode(text)) == text
    assert sorted(alphabet.i2t) == sorted(set(text))


@given(st.binary())
def test_bytes_are_their_own_indices(raw):
    alphabet = Alphabet.of_bytes()
    assert bytes(alphabet.encode(raw).tolist()) == raw
    assert alphabet.decode(alphabet.encode(raw)) == raw.decode("utf-8", "replace")
    assert len(alphabet) == 256 and alphabet.dtype == torch.uint8


def test_characters_stand_by_falling_count_behind_those_that_are_named():
    alphabet = Alphabet.of_counts("abbccc", "aaad", before=(".pad",))
    assert alphabet.i2t == (".pad", "a", "c", "b", "d")
    assert alphabet.t2i["d"] == 4
    assert alphabet.decode([0, 1, 4]) == ".padad"


def test_more_than_256_characters_are_int32():
    text = "".join(map(chr, range(1000, 1300)))
    assert Alphabet.of_counts(text).encode(text).dtype == torch.int32
    assert Alphabet.of_counts(text[:256]).encode(text[:256]).dtype == torch.uint8


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("abc\u20ac", "seed: character 4, '€', is not among the 3 tokens of the alphabet"),
        ("aBc", "seed: character 2, 'B', is not among the 3 tokens of the alphabet; did you mean"),
        ("a\U0010ffff", "seed: character 2, '\\U0010ffff', is not among"),
        (b"ab\xff", "seed: byte 3 (0xff) is not UTF-8"),
    ],
)
def test_the_first_unknown_character_is_named_with_its_place(text, line):
    with pytest.raises(InputError) as caught:
        Alphabet.of_counts("abc").encode(text, "seed")
    assert str(caught.value).startswith(line) and str(caught.value).isprintable()


def test_a_long_text_is_looked_up_in_parts(monkeypatch):
    monkeypatch.setattr(alphabet_module, "BLOCK", 3)
    alphabet = Alphabet.of_counts("abcdefgh")
    assert alphabet.decode(alphabet.encode("hgfedcbaab")) == "hgfedcbaab"
    with pytest.raises(InputError, match="character 8, 'x'"):
        alphabet.encode("abcdabcxx")


def test_a_special_token_is_not_spelt():
    alphabet = Alphabet.of_counts("ab", before=(".pad",))
    with pytest.raises(InputError, match=r"character 1, '\.', is not among"):
        alphabet.encode(".pad")


def test_equal_alphabets_are_equal_and_others_are_not():
    assert Alphabet.of_counts("aab") == Alphabet.of_counts("baa") != Alphabet.of_counts("abb")
    assert Alphabet.of_bytes() != Alphabet(Alphabet.of_bytes().i2t)
