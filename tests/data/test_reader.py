import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.data import UNK, Dataset, Rows, Vocabulary
from a3b_tune.data.load import load
from a3b_tune.data.reader import WordReader, reader_of

FILM = Vocabulary.of(["not", "very", "good", "it", "s"])


def words(text: str, max_words: int | None = None):
    return WordReader("words", FILM).encode(text, max_words)


def test_words_are_lower_cased_runs_of_letters_and_unknown_ones_are_told():
    found = words("It's NOT bad, very good!")
    assert found.words == ["it", "s", "not", "bad", "very", "good"]
    assert found.unknown == [False, False, False, True, False, False]
    assert found.tokens == [FILM.w2i.get(word, UNK) for word in found.words]


def test_cut_where_rows_were_cut():
    assert words("not very good", 2).words == ["not", "very"]


@pytest.mark.parametrize("text", ["", "  \n", "123 !"])
def test_a_text_without_a_word_is_one_unknown_word(text):
    assert words(text)[:3] == ([UNK], [""], [True])


def test_pairs_stand_between_their_words_and_unknown_ones_are_left_out():
    vocabulary = Vocabulary.of(["not", "very", "good", "not very", "very good", "good not"])
    found = WordReader("words", vocabulary).encode("not very good odd not")
    assert found.words == ["not", "not very", "very", "very good", "good", "odd", "not"]
    assert found.unknown == [False] * 5 + [True, False]


def test_words_are_cut_before_pairs_are_added():
    vocabulary = Vocabulary.of(["a", "b", "c", "a b", "b c"])
    assert WordReader("words", vocabulary).encode("a b c", 2).words == ["a", "a b", "b"]


def test_nobody_writes_padding():
    assert reader_of(load("xor")).encode(".pad true").tokens == [UNK, 4]


@pytest.mark.parametrize("bigrams", [None, 60])
def test_it_reads_a_row_as_the_data_set_has_it(bigrams):
    """Written out and read again, a row is what it was, its pairs included."""
    data = load("synth", bigrams=bigrams)
    rows = data.validation.take(range_of(200))
    asked = [data.vocabulary.text(x) for x in rows.to_lists()[0]]
    if data.pairs is not None:
        rows = data.pairs.beside(rows)
    found = sorted(reader_of(data).encode(text).tokens for text in asked)
    assert found == sorted(rows.to_lists()[0])


@given(st.text(max_size=30))
def test_any_text_gives_a_token_for_each_word(text):
    for kind in ("words", "spaces"):
        found = WordReader(kind, FILM).encode(text)
        assert len(found.tokens) == len(found.words) == len(found.unknown) >= 1
        assert 0 not in found.tokens


def test_a_table_is_read_by_letters_and_xor_as_it_stands():
    rows = Rows.from_lists([[4]], [0])
    table = Dataset("table", rows, rows, FILM, ("a", "b"))
    assert (reader_of(table).kind, reader_of(load("xor")).kind) == ("words", "spaces")


def range_of(count: int):
    import torch

    return torch.arange(count)
