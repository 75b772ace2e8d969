from dataclasses import replace

import pytest

from a3b_tune.data.dataset import Dataset
from a3b_tune.data.rows import Rows
from a3b_tune.data.vocabulary import Vocabulary
from a3b_tune.errors import InputError


@pytest.fixture
def small() -> Dataset:
    train = Rows.from_lists([[4, 5], [6], [5, 6, 4]], [0, 1, 0])
    return Dataset("small", train, Rows.from_lists([[6]], [1]), Vocabulary.of("abc"), ("no", "yes"))


def test_the_courses_shape(small):
    (x, y), (x_val, y_val), (i2w, w2i), classes = small.as_course()
    assert (x, y) == ([[6], [4, 5], [5, 6, 4]], [1, 0, 0])
    assert (x_val, y_val) == ([[6]], [1])
    assert (i2w[4], w2i["a"], classes) == ("a", 4, 2)


def test_the_hash_is_of_the_content(small):
    again = replace(small, train=Rows.from_lists([[6], [4, 5], [5, 6, 4]], [1, 0, 0]))
    assert again.data_hash == small.data_hash
    assert len(small.data_hash) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"class_names": ("yes", "no")},
        {"vocabulary": Vocabulary.of("abd")},
        {"train": Rows.from_lists([[6], [4, 5], [5, 6, 4]], [1, 0, 1])},
        {"train": Rows.from_lists([[6], [4, 5], [5, 6, 5]], [1, 0, 0])},
        {"train": Rows.from_lists([[6, 4], [5], [5, 6, 4]], [1, 0, 0])},
        {"validation": Rows.from_lists([[5]], [1])},
    ],
)
def test_the_hash_changes_with_anything(small, change):
    assert replace(small, **change).data_hash != small.data_hash


def test_a_cut_that_shares_tokens_hashes_as_its_own_rows(small):
    cut = replace(small, train=small.train.cut(1))
    lists = replace(small, train=Rows.from_lists(*cut.train.to_lists()))
    assert cut.data_hash == lists.data_hash


def test_the_first_words_stay(small):
    assert small.first_words(5).as_course()[0] == ([[3], [4, 3], [3, 3, 4]], [1, 0, 0])
    assert small.first_words(7) is small


def test_a_smaller_sample_is_part_of_a_larger(small):
    def drawn(rows: int) -> set:
        return set(map(tuple, small.sample(rows, seed=3).train.to_lists()[0]))

    assert drawn(1) < drawn(2) < drawn(3)
    assert small.sample(2, seed=3).validation is small.validation


@pytest.mark.parametrize("rows", [0, -1, 4])
def test_a_sample_that_is_not_there_is_refused(small, rows):
    with pytest.raises(InputError, match=f"^data.rows: {rows} is not between 1 and small's 3 rows"):
        small.sample(rows, seed=0)


def test_a_vocabulary_of_specials_alone_is_refused(small):
    with pytest.raises(InputError, match=r"^data.vocabulary: 4 leaves no word .* the least is 5$"):
        small.first_words(4)
