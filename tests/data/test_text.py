from dataclasses import replace

import pytest
import torch

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.text import Floor, Judged, Text, check_length
from a3b_tune.errors import InputError


@pytest.fixture
def small() -> Text:
    alphabet = Alphabet.of_counts("abcd")
    return Text("small", *map(alphabet.encode, ("abcabc", "dcba", "bad")), alphabet)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"alphabet": Alphabet.of_counts("abce")},
        {"unit": "byte"},
        {"file_hash": "0"},
        {"train": torch.tensor([0, 1, 2, 0, 1, 1], dtype=torch.uint8)},
        {"validation": torch.tensor([3, 2, 1, 1], dtype=torch.uint8)},
        {"test": torch.tensor([1, 0], dtype=torch.uint8)},
    ],
)
def test_the_hash_changes_with_anything(small, change):
    assert replace(small, **change).data_hash != small.data_hash
    assert replace(small).data_hash == small.data_hash and len(small.data_hash) == 64


def test_where_a_part_ends_is_in_the_hash(small):
    """Two splits of one file are two data sets."""
    whole = torch.cat([small.train, small.validation])
    cuts = [replace(small, train=whole[:n], validation=whole[n:]) for n in (5, 6)]
    assert cuts[0].data_hash != cuts[1].data_hash
    named = [replace(cut, file_hash="of both") for cut in cuts]
    assert named[0].data_hash != named[1].data_hash


def test_a_window_that_fits_every_part_is_fine_and_one_more_is_refused(small):
    check_length(small, 2)
    with pytest.raises(InputError) as caught:
        check_length(small, 3)
    assert str(caught.value) == (
        "data.max_length: 3 needs 4 characters for a window, but small's test part has 3;"
        " the longest that fits is 2"
    )
    with pytest.raises(InputError, match="the text is too short"):
        check_length(replace(small, test=small.test[:1]), 3)


def test_the_floor_is_worked_out_once_and_only_when_it_is_asked_for(small):
    asked = []
    known = replace(small, measure=lambda: asked.append(1) or Floor(0.5, 0.1))
    assert asked == [] and small.floor is None
    assert known.floor == known.floor == Floor(0.5, 0.1) and asked == [1]


def test_judgements_add_up():
    both = Judged(3, 1, 10.0).plus(Judged(1, 1, 20.0))
    assert (both.valid_share, both.mean_bits) == (0.5, 15.0)
    assert Judged().valid_share is Judged().mean_bits is Judged(2).mean_bits is None
