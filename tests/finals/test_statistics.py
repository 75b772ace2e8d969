"""The distributions agree with printed tables."""

from math import inf, sqrt
from statistics import fmean, stdev

import pytest

from a3b_tune.finals.statistics import (
    chi_square_above,
    mean_interval,
    paired_test,
    ranks,
    sign_flips,
    t_quantile,
    t_two_sided,
)

# Student's t beyond which 5 % lie, and chi-square above which 5 % do, from printed tables.
T = {1: 12.706, 2: 4.303, 4: 2.776, 9: 2.262, 30: 2.042}
CHI_SQUARE = {1: 3.841, 2: 5.991, 4: 9.488, 9: 16.919}


@pytest.mark.parametrize("freedom", T)
def test_t_agrees_with_the_table(freedom):
    assert t_quantile(0.05, freedom) == pytest.approx(T[freedom], abs=6e-4)
    assert t_two_sided(T[freedom], freedom) == pytest.approx(0.05, abs=1e-4)
    assert t_two_sided(0.0, freedom) == 1.0


@pytest.mark.parametrize("freedom", CHI_SQUARE)
def test_chi_square_agrees_with_the_table(freedom):
    assert chi_square_above(CHI_SQUARE[freedom], freedom) == pytest.approx(0.05, abs=1e-4)
    assert chi_square_above(0.0, freedom) == 1.0


def test_an_interval_is_the_mean_and_student_s_half():
    values = [0.90, 0.91, 0.88, 0.93, 0.92]
    mean, half = mean_interval(values)
    assert mean == pytest.approx(fmean(values))
    assert half == pytest.approx(2.776 * stdev(values) / sqrt(5), rel=1e-3)


def test_one_value_says_nothing_of_its_scatter_and_equal_ones_leave_none():
    assert mean_interval([0.9]) == (0.9, inf)
    assert mean_interval([1.0, 1.0, 1.0]) == (1.0, 0.0)


def test_equal_values_share_their_ranks():
    assert ranks([0.3, 0.1, 0.3, 0.2]) == [3.5, 1.0, 3.5, 2.0]


def test_flipped_signs_are_counted_exactly():
    assert sign_flips([1.0, 2.0, 3.0]) == 2 / 8
    assert sign_flips([0.1] * 10) == 2 / 2**10
    assert sign_flips([0.0, 0.0]) == 1.0
    assert sign_flips([0.1] * 17) is None


def test_a_paired_test_sees_a_steady_difference():
    found = paired_test([0.010, 0.012, 0.011, 0.013, 0.009])
    assert found.mean == pytest.approx(0.011)
    assert found.p < 0.001
    assert found.p_exact == 2 / 2**5


@pytest.mark.parametrize(("difference", "p"), [(0.0, 1.0), (0.5, 0.0)])
def test_differences_that_never_vary_are_certain(difference, p):
    assert paired_test([difference] * 4).p == p
