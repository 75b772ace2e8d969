import random

import pytest

from a3b_tune.results.importances import importances
from a3b_tune.tuning.asking import ask
from tests.results import building


def decided_by_pool(url, trials, *, prune=False):
    """The max pool is right, the others are not; width and rate mean nothing."""
    noise = random.Random(1)
    stored = building.begun(url)
    for _ in range(trials):
        trial = ask(stored, trials, building.ABOUT)
        good = trial.params["model.pool"] == "max"
        accuracy = (0.9 if good else 0.5) + noise.uniform(0, 0.05)
        building.tell(trial, [accuracy], "complete" if good or not prune else "pruned: behind")
    return stored


def test_the_setting_that_decides_comes_first_and_shares_sum_to_one(url):
    found = importances(decided_by_pool(url, 40))
    assert next(iter(found.shares)) == "model.pool"
    assert found.shares["model.pool"] > 0.5
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.reason is None
    assert (found.trials, found.top) == (40, 5)


def test_pruned_trials_count_as_bad_ones(url):
    found = importances(decided_by_pool(url, 40, prune=True))
    assert next(iter(found.shares)) == "model.pool"
    assert found.trials == 40


def test_a_real_study_has_importances_of_every_searched_setting(small):
    found = importances(small)
    assert found.reason is None
    assert set(found.shares) == {"model.pool", "model.width", "optimizer.lr"}
    assert found.top < found.trials == 12


ONE = ("model.pool=max", "model.width=8")
SAME = [([0.5], "complete")] * 12


@pytest.mark.parametrize(
    ("outcomes", "changes", "reason"),
    [
        ([], (), "0 trials have ended; it takes at least 10"),
        (SAME[:9], (), "9 trials have ended; it takes at least 10"),
        (SAME, (), "all 12 trials reached the same accuracy, 0.5"),
        ([*SAME, ([0.6], "complete")], (), "only 1 of 13 trials did better than 0.5"),
        (SAME, ONE, "only one setting is searched"),
        (SAME, (*ONE, "optimizer.lr=0.01"), "no setting is searched"),
        ([([], "failed: error")] * 12, (), "0 trials have ended; it takes at least 10"),
    ],
)
def test_where_nothing_can_be_said_there_is_a_reason(url, outcomes, changes, reason):
    found = importances(building.told(url, outcomes, *changes))
    assert (found.reason, dict(found.shares)) == (reason, {})


def test_many_equal_bests_do_not_hide_the_rest(url):
    outcomes = [([1.0], "complete")] * 14 + [([0.5], "pruned: behind at epoch 1")] * 6
    found = importances(building.told(url, outcomes))
    assert (found.top, found.trials, found.reason) == (14, 20, None)
    outcomes = [([0.5], "complete")] * 44 + [([1.0], "complete")] * 6
    again = building.told(url, outcomes, "study.name=rare")
    assert importances(again).top == 6


def test_settings_that_only_one_model_has_are_weighed_too(url):
    changes = ("model.name=baseline|simple_attention", "model.positions=none|learned")
    stored = building.begun(url, *changes)
    for _ in range(30):
        trial = ask(stored, 30, building.ABOUT)
        value = 0.9 if trial.params["model.name"] == "simple_attention" else 0.5
        building.tell(trial, [value + trial.number * 1e-4], "complete")
    found = importances(stored)
    assert "model.positions" in found.shares
    assert max(found.shares, key=found.shares.get) == "model.name"
