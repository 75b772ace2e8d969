from datetime import datetime, timedelta

import pytest

from a3b_tune.cli import figures


@pytest.mark.parametrize(
    ("rows", "digits"), [(None, 4), (0, 4), (10, 4), (5_000, 4), (10_001, 5), (25_000, 5)]
)
def test_digits_tell_one_row_from_the_next(rows, digits):
    assert figures.accuracy_digits(rows) == digits


@pytest.mark.parametrize(
    ("value", "long", "short"),
    [
        (1.0, "1.00000", "1.0"),
        (0.75216, "0.75216", "0.75216"),
        (0.5, "0.50000", "0.5"),
        (0.0, "0.00000", "0.0"),
        (None, "-", "-"),
        (0.999999, "0.99999", "0.99999"),
    ],
)
def test_an_accuracy_is_never_rounded_up_to_perfect(value, long, short):
    assert figures.accuracy(value, 5) == long
    assert figures.accuracy(value, 5, short=True) == short


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0053026946, 4, "0.005303"),
        (0.9, None, "0.9"),
        (0.1 + 0.2, None, "0.30000000000000004"),
        (64, 4, "64"),
        (True, 4, "true"),
        ("select", 4, "select"),
        (1e-5, 4, "1e-05"),
    ],
)
def test_a_setting_keeps_its_digits(value, digits, text):
    assert figures.setting(value, digits) == text


def test_counts_have_their_plural_and_thousands_apart():
    assert figures.count(1, "trial") == "1 trial"
    assert figures.count(25_000, "trial") == "25 000 trials"
    assert figures.count(2, "study", "studies") == "2 studies"


def test_a_long_list_of_numbers_says_how_many_more():
    assert figures.numbers([3, 5]) == "3, 5"
    assert figures.numbers(range(10), most=3) == "0, 1, 2 and 7 more"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(12, "12 bytes"), (340e6, "340 MB"), (7.64e9, "7.64 GB"), (2e12, "2 TB"), (999, "999 bytes")],
)
def test_bytes_are_in_the_unit_that_fits(amount, text):
    assert figures.size(amount) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (864_000, "10 days ago"),
    ],
)
def test_an_age_is_in_the_unit_that_fits(seconds, text):
    now = datetime.now().astimezone()
    assert figures.age(now - timedelta(seconds=seconds), now) == text


def test_a_curve_rises_from_its_lowest_to_its_highest():
    assert figures.sparkline([0.0, 0.5, 1.0]) == "▁▅█"
    assert figures.sparkline([0.0, 0.5, 1.0], ascii_only=True).isascii()
    assert figures.sparkline([0.5, 0.5]) == "▁▁"
    assert figures.sparkline([]) == ""


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    line = figures.sparkline([0.0] + [0.5] * 998 + [1.0], width=20)
    assert (len(line), line[0], line[-1]) == (20, "▁", "█")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.33, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_bar_is_as_long_as_its_share(share, ascii_only):
    bar = figures.bar(share, 40, ascii_only=ascii_only)
    assert abs(len(bar) - share * 40) <= 1
    assert bar.isascii() == (ascii_only or not bar)
