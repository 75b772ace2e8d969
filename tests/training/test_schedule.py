from itertools import pairwise

import pytest

from a3b_tune.training.schedule import rate_factor


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_warmup_climbs_in_equal_steps_to_the_full_rate(schedule):
    climb = [rate_factor(step, 100, 0.1, schedule) for step in range(10)]
    assert climb == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rate_factor(10, 100, 0.1, schedule) == pytest.approx(1.0)


def test_without_warmup_the_first_step_runs_at_the_full_rate():
    assert rate_factor(0, 50, 0.0, "cosine") == 1.0


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_decay_falls_all_the_way_to_almost_nothing(schedule):
    rates = [rate_factor(step, 1000, 0.05, schedule) for step in range(50, 1000)]
    assert all(a >= b for a, b in pairwise(rates))
    assert 0 < rates[-1] < 0.01


def test_cosine_is_at_half_rate_half_way():
    assert rate_factor(50, 100, 0.0, "cosine") == pytest.approx(0.5)
    assert rate_factor(50, 100, 0.0, "linear") == pytest.approx(0.5)


def test_constant_stays():
    assert {rate_factor(step, 10, 0.0, "constant") for step in range(10)} == {1.0}
