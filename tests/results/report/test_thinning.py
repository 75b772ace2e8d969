"""What is left out of a plot could not be seen."""

from itertools import accumulate
from math import inf, isnan, nan
from random import Random

import pytest

from a3b_tune.results.report.blocks import Plot, Series
from a3b_tune.results.report.thinning import MARKS, POINTS, drawn
from tests.results.report import example


def plot(*series: Series, **more) -> Plot:
    return Plot("title", series, "x", "y", "source", "alt", **more)


@pytest.fixture(scope="module")
def cloud() -> Series:
    draws = Random(0)
    ys = [draws.gauss(0.6, 0.05) for _ in range(10_000)]
    return Series("all", range(10_000), ys, "points", names=[f"trial {at}" for at in range(10_000)])


def test_few_marks_stay_as_they_are():
    few = example.history(60)
    thin, note = drawn(few)
    assert note == ""
    assert [len(series.xs) for series in thin.series[1:]] == [len(s.xs) for s in few.series[1:]]


def test_of_very_many_marks_those_that_stand_out_stay(cloud):
    thin, note = drawn(plot(cloud))
    (left,) = thin.series
    assert POINTS < len(left.xs) <= MARKS + 50
    assert note == f"{len(left.xs)} of 10000 marks are drawn, the others lie close to them"
    whole = dict(zip(cloud.xs, cloud.ys, strict=True))
    assert all(whole[x] == y for x, y in zip(left.xs, left.ys, strict=True)), "none is made up"
    assert left.names == [f"trial {x}" for x in left.xs]
    for extreme in (max, min):
        bests = set(accumulate(cloud.ys, extreme))
        assert bests <= set(left.ys), "each record"
    assert {left.xs[0], left.xs[-1]} == {0, 9999}


def test_every_part_of_the_plane_keeps_its_marks(cloud):
    left = drawn(plot(cloud))[0].series[0]
    places = {(x // 500, round(y, 1)) for x, y in zip(cloud.xs, cloud.ys, strict=True)}
    assert places == {(x // 500, round(y, 1)) for x, y in zip(left.xs, left.ys, strict=True)}


def test_a_long_line_keeps_its_peaks():
    ys = [0.5] * 20_000
    ys[12_345], ys[777] = 0.9, 0.1
    (left,) = drawn(plot(Series("line", range(20_000), ys)))[0].series
    assert len(left.xs) <= 2 * POINTS
    assert {(12_345, 0.9), (777, 0.1), (0, 0.5), (19_999, 0.5)} <= set(
        zip(left.xs, left.ys, strict=True)
    )


def test_a_step_keeps_its_corners_and_its_end():
    ys = list(accumulate([0.1, 0.1, 0.4, 0.2, 0.4, 0.8, 0.3], max))
    (left,) = drawn(plot(Series("best", range(7), ys, "step")))[0].series
    assert list(zip(left.xs, left.ys, strict=True)) == [(0, 0.1), (2, 0.4), (5, 0.8), (6, 0.8)]


def test_what_has_no_place_is_told():
    series = Series("a", [1, 2, 3, 4], [0.0, 1.0, nan, inf], "points", names=list("abcd"))
    thin, note = drawn(plot(series, log_y=True))
    assert (thin.series[0].xs, thin.series[0].names) == ([2], ["b"])
    assert note == "3 without a place on these axes are left out"


def test_a_line_has_a_gap_where_it_has_no_value():
    thin, _ = drawn(plot(Series("a", [1, 2, 3], [0.5, nan, 0.6])))
    assert thin.series[0].xs == [1, 2, 3]
    assert isnan(thin.series[0].ys[1])
    long = [0.5] * 5000
    long[2500] = nan
    (left,) = drawn(plot(Series("a", range(5000), long)))[0].series
    assert any(isnan(y) for y in left.ys)
