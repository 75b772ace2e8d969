import pytest

from a3b_tune.data.vocabulary import PAD, SPECIALS, UNK, Vocabulary


def test_the_specials_stand_at_the_head():
    words = Vocabulary.of(["true", "false"])
    assert words.i2w == [".pad", ".start", ".end", ".unk", "true", "false"]
    assert (SPECIALS[PAD], SPECIALS[UNK]) == (".pad", ".unk")


def test_a_word_that_stands_twice_keeps_the_later_index_and_both_rows():
    words = Vocabulary.of(["silent", "film", "silent"])
    assert len(words) == 7
    assert words.w2i["silent"] == 6
    assert len(words.w2i) == 6


def test_the_first_words_are_kept_and_others_become_unknown():
    words = Vocabulary.of(["a", "b", "c"]).first(6)
    assert words.indices(["a", "b", "c"]) == [4, 5, UNK]


def test_text_leaves_padding_out():
    words = Vocabulary.of(["a", "b"])
    assert words.text([5, 4, UNK, PAD, PAD]) == "b a .unk"


def test_an_index_without_the_specials_is_refused():
    with pytest.raises(ValueError, match="begins with"):
        Vocabulary.of_index(["a", "b"])
