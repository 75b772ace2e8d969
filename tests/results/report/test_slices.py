"""Values over each searched setting."""

from dataclasses import replace

import numpy as np
import pytest

from a3b_tune.results.overview import study_overview
from a3b_tune.results.report import slices
from a3b_tune.results.report.traced import Traced


@pytest.fixture
def told(decided):
    return Traced(study_overview(decided))


def plot(told, name):
    made = slices.by_setting(told, name, told.overview.file.searched()[name])
    assert made is not None
    return made


def test_a_mark_for_each_trial_over_the_range_as_it_is_drawn(told):
    made = plot(told, "optimizer.lr")
    assert made.log_x
    (cloud,) = made.series
    by_rate = {row.params["optimizer.lr"]: row.value for row in told.overview.trials}
    assert dict(zip(cloud.xs, cloud.ys, strict=True)) == by_rate


def test_choices_stand_in_the_order_of_the_study_file(told):
    (cloud,) = plot(told, "model.pool").series
    assert list(dict.fromkeys(cloud.xs)) == ["mean", "max", "select"]
    (cloud,) = plot(told, "model.width").series
    assert list(dict.fromkeys(cloud.xs)) == ["4", "8"]


def test_many_trials_of_a_choice_are_told_by_their_quartiles(told, monkeypatch):
    monkeypatch.setattr(slices, "MARKS", 20)
    middle, best = plot(told, "model.pool").series
    for at, pool in enumerate(["mean", "max", "select"]):
        values = [row.value for row in told.overview.trials if row.params["model.pool"] == pool]
        quartiles = (middle.low[at], middle.ys[at], middle.high[at])
        assert (middle.xs[at], quartiles) == (pool, tuple(np.quantile(values, (0.25, 0.5, 0.75))))
        assert best.ys[at] == max(values)


def test_a_setting_that_no_trial_had_has_no_panel(told):
    none = Traced(replace(told.overview, trials=[]))
    assert [type(block).__name__ for block in slices.slices(none)] == ["Paragraph"]
