from itertools import product
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.results.best_of import expected_best, first_places

VALUES = st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.5, 0.9]), min_size=2, max_size=4)


@given(VALUES, st.integers(1, 4))
def test_it_is_the_mean_over_all_ways_to_draw(values, count):
    found = expected_best(values, [1.0] * len(values), [count])
    every = fmean(max(drawn) for drawn in product(values, repeat=count))
    assert found.best[0] == pytest.approx(every, abs=1e-12)


def test_one_trial_is_the_mean_and_very_many_are_the_best():
    values = [0.2, 0.4, 0.9]
    found = expected_best(values, [1.0] * 3, [1, 0.1, 100_000])
    assert found.best == pytest.approx([0.5, 0.5, 0.9])


def test_a_budget_buys_as_many_trials_as_it_pays_for():
    values = [0.2, 0.4, 0.9, 0.6]
    one_each = expected_best(values, [1.0] * 4, [2.0])
    dear = expected_best(values, [30.0, 10.0, 20.0, 40.0], [50.0])
    assert dear.best == pytest.approx(one_each.best)


def test_more_is_never_worse_and_the_interval_holds_what_is_expected():
    rng = np.random.default_rng(1)
    budgets = list(range(1, 31))
    found = expected_best(rng.random(30).tolist(), [1.0] * 30, budgets)
    assert (np.diff(found.best) >= 0).all()
    # At the very end no draw can be above the best that was ever measured.
    assert (found.low <= found.best + 1e-12).all()
    assert (found.best[:10] <= found.high[:10]).all()
    assert (found.high[0] - found.low[0]) > (found.high[-1] - found.low[-1])


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Uniform values: the best of 4 is 0.8 on average."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(60):
        found = expected_best(rng.random(25).tolist(), [1.0] * 25, [4.0])
        held += int(found.low[0] <= 0.8 <= found.high[0])
    assert held >= 50


def test_the_same_numbers_give_the_same_interval():
    values = [0.1, 0.5, 0.6]
    one, other = (expected_best(values, [1.0] * 3, [2.0]) for _ in range(2))
    assert (one.low, one.high) == (other.low, other.high)


def test_ties_share_the_first_place():
    draws = [np.array([0.5, 0.9]), np.array([0.5, 0.1]), np.array([0.1, 0.1])]
    assert first_places(draws) == [0.75, 0.25, 0.0]
    assert first_places(draws, same=1.0) == pytest.approx([1 / 3] * 3)


def test_searches_with_unlike_numbers_of_draws_are_compared():
    assert first_places([np.ones(5), np.zeros(3)]) == [1.0, 0.0]
