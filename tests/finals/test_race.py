"""How often a race is wrong, by simulation with a fixed seed, and what must not break it."""

import numpy as np
import pytest

from a3b_tune.finals.race import behind, level, rounds

RACES = 1000


def left_after(values, looks):
    """Who is left of the settings (columns) after a look at the first so many seeds (rows)."""
    left = list(range(values.shape[1]))
    for seeds in looks:
        out = behind(values[:seeds, left].tolist(), level(len(looks)))
        left = [setting for place, setting in enumerate(left) if place not in out]
    return left


def share_left(means, seeds, setting, races=RACES):
    """The share of races in which one setting is left at the end."""
    generator = np.random.default_rng(0)
    looks = rounds(seeds)[:-1]
    drawn = generator.standard_normal((races, seeds, len(means))) + np.array(means)
    return np.mean([setting in left_after(values, looks) for values in drawn])


@pytest.mark.parametrize("settings", [2, 5])
def test_among_equals_the_true_best_is_dropped_in_at_most_5_percent_of_races(settings):
    assert 1.0 - share_left([1e-9] + [0.0] * (settings - 1), 10, 0) <= 0.05


def test_many_looks_do_not_add_up():
    assert 1.0 - share_left([0.0] * 3, 30, 0, races=200) <= 0.05


def test_the_best_of_good_and_bad_is_dropped_in_at_most_5_percent_of_races():
    assert 1.0 - share_left([0.0, 0.0, -2.0, -2.0, -2.0], 10, 0) <= 0.05


def test_two_standard_deviations_behind_is_dropped_nearly_always():
    assert share_left([0.0, 0.0, 0.0, 0.0, -2.0], 10, 4) <= 0.12
    assert share_left([0.0, 0.0, 0.0, 0.0, -2.0], 20, 4, races=100) <= 0.01
    assert share_left([0.0, -2.0], 20, 1, races=100) <= 0.01


def test_who_fails_once_is_not_saved_by_the_scatter_of_it():
    """In a mean the failure would hide every other difference."""
    steady, failing = [0.90, 0.91, 0.92, 0.90, 0.91, 0.92], [0.80, 0.81, 0.0, 0.80, 0.81, 0.82]
    others = [0.895, 0.905, 0.915, 0.902, 0.907, 0.921]
    assert behind(list(zip(steady, failing, others, strict=True)), 0.0464) == {1}


@pytest.mark.parametrize("settings", [1, 2, 5])
def test_ties_drop_nobody(settings):
    assert behind([[1.0] * settings] * 6, 0.05) == set()


def test_where_all_seeds_agree_the_others_are_behind():
    assert behind([[3.0, 2.0, 1.0]] * 4, 0.05) == {1, 2}
    assert behind([[1.0, 2.0]] * 6, 0.05) == {0}


def test_of_two_ranks_of_many_seeds_are_nearly_normal():
    assert behind([[1.0 + n / 100, 0.9] for n in range(30)], 0.05) == {1}
    assert behind([[1.0, 1.1], [1.1, 1.0]] * 15, 0.05) == set()


@pytest.mark.parametrize(
    ("seeds", "ends"),
    [(2, [2]), (4, [4]), (5, [4, 5]), (10, [4, 6, 8, 10]), (30, [4, 6, 8, 12, 16, 24, 30])],
)
def test_rounds_grow_with_the_seeds(seeds, ends):
    assert rounds(seeds) == ends
