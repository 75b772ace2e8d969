"""Width, heads and head width."""

import pytest

from a3b_tune.models.geometry import width_of


def test_the_width_is_heads_times_head_width():
    assert width_of(4, 16, None) == 64


def test_a_given_width_counts_instead():
    assert width_of(4, 16, 100) == 100


@pytest.mark.parametrize(
    ("of", "text"),
    [
        ((7, 16, 300), "width 300 does not divide into 7 heads"),
        ((0, 16, None), "heads 0 is not at least 1"),
        ((4, -1, None), "head_width -1 is not at least 1"),
        ((4, 16, 0), "width 0 is not at least 1"),
    ],
)
def test_what_does_not_fit_is_named(of, text):
    with pytest.raises(ValueError, match=text):
        width_of(*of)
