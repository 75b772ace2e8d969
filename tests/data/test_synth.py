import hashlib

import pytest

from a3b_tune.data import synth


@pytest.fixture(scope="module")
def data():
    return synth.load(0)


@pytest.mark.parametrize(
    ("part", "sha256"),
    [
        ("train", "a9a8fe38e47e7fe2596d4745b25722a1f29583f02efdc47fc4720466b4cb0edf"),
        ("validation", "9d4303b4da18085bae126a041482d5ea3a9569cf510978b74dc61af46af48436"),
    ],
)
def test_seed_0_is_the_courses_data_bit_for_bit(data, part, sha256):
    pairs = zip(*getattr(data, part).to_lists(), strict=True)
    assert hashlib.sha256(b"".join(bytes([*x, y]) for x, y in pairs)).hexdigest() == sha256


def test_the_vocabulary_has_three_words_twice(data):
    assert (len(data.vocabulary), len(data.vocabulary.w2i)) == (72, 69)
    words = data.vocabulary.i2w
    assert {w for w in words if words.count(w) == 2} == {"silent", "blockbuster", "documentary"}


def test_positive_is_very_great_or_not_terrible(data):
    x, y = data.validation.to_lists()
    for row, label in zip(x[:500], y[:500], strict=True):
        ending = data.vocabulary.text(row[-2:])
        positive = ending in ("very great", "not terrible")
        assert data.class_names[label] == ("positive" if positive else "negative")


def test_the_distinct_validation_rows(data):
    distinct = data.validation.distinct()
    assert len(distinct) == 14_011
    assert int(distinct.counts.sum()) == len(data.validation) == 25_000
