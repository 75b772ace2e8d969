import hashlib

import pytest

from a3b_tune.data import xor


def checksum(rows) -> str:
    pairs = zip(*rows.to_lists(), strict=True)
    return hashlib.sha256(b"".join(bytes([*x, y]) for x, y in pairs)).hexdigest()


@pytest.mark.parametrize(
    ("part", "sha256"),
    [
        ("train", "e89fcee01a2200c2fa1f84d872e6949012c8ed14ef53b5f42541b393e2d6d2dc"),
        ("validation", "b95f5e33bac95bae54c212da9ea465ef5350237b58bfdbf0cfda925d44b7f652"),
    ],
)
def test_seed_0_is_the_courses_data_bit_for_bit(part, sha256):
    assert checksum(getattr(xor.load(0), part)) == sha256


def test_positive_is_where_the_two_differ():
    data = xor.load(0)
    x, y = data.validation.to_lists()
    assert all(
        data.class_names[b] == ("positive", "negative")[a[0] == a[1]]
        for a, b in zip(x, y, strict=True)
    )


def test_there_are_four_distinct_rows():
    distinct = xor.load(0).validation.distinct()
    assert len(distinct) == 4
    assert int(distinct.counts.sum()) == 25_000


def test_another_seed_is_other_data_and_the_callers_generator_is_left_alone():
    import random

    random.seed(5)
    before = random.getstate()
    assert xor.load(1).data_hash != xor.load(0).data_hash
    assert random.getstate() == before
