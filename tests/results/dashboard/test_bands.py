import json

import numpy as np

from a3b_tune.results.dashboard.bands import BANDS, BEST, plot
from a3b_tune.results.dashboard.measure import Measure
from a3b_tune.results.overview import Ceiling
from tests.results import building


def test_the_bands_hold_the_shares_that_they_tell(small):
    trials = [trial for trial in small.study.get_trials() if len(trial.intermediate_values) == 3]
    assert trials
    told = json.loads(plot(trials, Measure(ceiling=Ceiling(1.0, "all", ""))))
    lines = {line["name"]: line["y"] for line in told["data"] if line.get("showlegend", True)}
    table = np.array([list(trial.intermediate_values.values()) for trial in trials])
    for low, high, _, name in BANDS:
        upper = np.percentile(table, high, axis=0)
        assert np.allclose(lines[name], upper, atol=1e-6)
        lower = next(line for line in told["data"] if line["name"] == name)["y"]
        assert np.allclose(lower, np.percentile(table, low, axis=0), atol=1e-6)
    assert np.allclose(lines["median"], np.median(table, axis=0), atol=1e-6)
    assert told["layout"]["shapes"][0]["y0"] == 1.0


def test_the_best_trials_have_lines_of_their_own(small):
    trials = small.study.get_trials()
    told = json.loads(plot(trials, Measure()))
    names = [line["name"] for line in told["data"] if line["name"].startswith("trial ")]
    assert len(names) == min(BEST, len(trials))
    assert f"trial {small.study.best_trial.number}" in names
    assert "shapes" not in told["layout"]


def test_trials_of_different_lengths_are_compared_where_they_are(url):
    outcomes = [([0.5, 0.6, 0.7], "complete"), ([0.5], "pruned: x"), ([], "failed: y")]
    stored = building.told(url, outcomes)
    told = json.loads(plot(stored.study.get_trials(), Measure()))
    median = next(line for line in told["data"] if line["name"] == "median")
    assert median["y"] == [0.5, 0.6, 0.7]
