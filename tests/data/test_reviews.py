import numpy as np
import pytest

from a3b_tune.data import reviews
from a3b_tune.data.safe_pickle import BadFileError


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_rows_and_words_come_out_as_they_went_in(make_reviews, pack, protocol):
    things = make_reviews(60)
    found = reviews.parse(pack(things, protocol))
    sequences, labels, i2w, _ = things
    assert found.words == i2w
    for name, part in (("train", found.train), ("test", found.test)):
        ends = part.lengths.cumsum()[:-1]
        assert [row.tolist() for row in np.split(part.tokens, ends)] == sequences[name]
        assert part.labels.tolist() == labels[name]


def three_things(x, y, i, w):
    return x, y, i


def a_list(x, y, i, w):
    return [x, y, i, w]


def no_test_part(x, y, i, w):
    return {"train": x["train"]}, y, i, w


def rows_are_tuples(x, y, i, w):
    return {**x, "train": [tuple(x["train"][0])]}, {**y, "train": [0]}, i, w


def an_index_too_high(x, y, i, w):
    return {**x, "train": [[len(i)]]}, {**y, "train": [0]}, i, w


def text_for_an_index(x, y, i, w):
    return {**x, "train": [["4"]]}, {**y, "train": [0]}, i, w


def an_index_of_33_bits(x, y, i, w):
    return {**x, "train": [[2**31]]}, {**y, "train": [0]}, i, w


def a_negative_index(x, y, i, w):
    return {**x, "test": [[-1]]}, {**y, "test": [0]}, i, w


def an_empty_row(x, y, i, w):
    return {**x, "test": [[]]}, {**y, "test": [0]}, i, w


def no_rows(x, y, i, w):
    return {**x, "test": []}, {**y, "test": []}, i, w


def too_few_labels(x, y, i, w):
    return x, {**y, "train": y["train"][:-1]}, i, w


def a_third_class(x, y, i, w):
    return x, {**y, "train": [2] * len(y["train"])}, i, w


def a_list_as_label(x, y, i, w):
    return x, {**y, "train": [[]] * len(y["train"])}, i, w


def no_specials(x, y, i, w):
    return x, y, i[4:], {word: n for n, word in enumerate(i[4:])}


def a_word_that_moves_the_cursor(x, y, i, w):
    words = [*i, "\x1b[2J"]
    return x, y, words, {word: n for n, word in enumerate(words)}


def a_number_as_word(x, y, i, w):
    return x, y, [*i, 7], {**w, 7: len(i)}


def w2i_of_other_words(x, y, i, w):
    return x, y, i, {**w, i[5]: 6}


def one_long_row_many_times(x, y, i, w):
    return {**x, "train": [[4] * 10_000] * 10_000}, {**y, "train": [0] * 10_000}, i, w


ALL = [
    *(three_things, a_list, no_test_part, rows_are_tuples, an_index_too_high, text_for_an_index),
    *(
        an_index_of_33_bits,
        a_negative_index,
        an_empty_row,
        no_rows,
        too_few_labels,
        a_third_class,
        a_list_as_label,
    ),
    *(no_specials, a_word_that_moves_the_cursor, a_number_as_word, w2i_of_other_words),
    one_long_row_many_times,
]


@pytest.mark.parametrize("change", ALL, ids=lambda change: change.__name__)
def test_a_file_of_another_shape_is_refused_in_one_line(make_reviews, pack, change):
    with pytest.raises(BadFileError) as caught:
        reviews.parse(pack(change(*make_reviews(40))))
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
