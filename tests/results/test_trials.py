import json
import math
from datetime import datetime, timedelta

import psutil
import pytest

from a3b_tune.results.trials import json_object, ranked, rows
from a3b_tune.study import ACCURACY
from a3b_tune.tuning import records
from tests.results import building


def test_every_trial_is_a_row_with_its_state(mixed):
    found = rows(mixed.study)
    assert [row.number for row in found] == list(range(7))
    assert [row.state for row in found] == [
        "complete", "pruned", "pruned", "failed", "complete", "pruned", "running",
    ]  # fmt: skip


def test_a_value_is_the_best_of_the_epochs_whatever_became_of_the_trial(mixed):
    found = rows(mixed.study)
    assert [(row.value, row.best_epoch) for row in found] == [
        (0.75, 2), (0.5, 1), (None, None), (0.6, 1), (0.75, 1), (0.9, 1), (0.65, 2),
    ]  # fmt: skip


def test_a_trained_row_agrees_with_what_optuna_and_the_record_say(small):
    for row, trial in zip(rows(small.study), small.study.trials, strict=True):
        assert row.value == trial.value
        assert row.best_epoch == trial.user_attrs[records.BEST_EPOCH]
        assert row.params == trial.params
        assert row.settings == trial.user_attrs[records.RECORD]["settings"]
        assert [epoch["accuracy"] for epoch in row.epochs] == list(
            trial.intermediate_values.values()
        )
        assert set(row.seconds) == {"sampling", "training", "evaluation", "storage"}


def test_the_best_is_first_and_fewer_epochs_break_a_tie(mixed):
    best = ranked(rows(mixed.study), ACCURACY)
    assert [row.number for row in best] == [4, 0]


def test_the_first_of_equals_is_the_lower_number(url):
    stored = building.told(url, [([0.5], "complete"), ([0.7], "complete"), ([0.7], "complete")])
    assert [row.number for row in ranked(rows(stored.study), ACCURACY)] == [1, 2, 0]


def test_a_trial_that_was_put_back_shows_nothing_of_its_broken_run(url):
    stored = building.told(url, [([0.6, 0.7], "waiting: Ctrl-C")])
    (row,) = rows(stored.study)
    assert (row.state, row.value, row.epochs) == ("waiting", None, [])
    assert row.reason == "put back: Ctrl-C"
    assert row.params


def test_moments_know_their_zone_and_are_now(mixed):
    row = rows(mixed.study)[0]
    assert row.started.tzinfo is not None
    assert timedelta(0) <= datetime.now().astimezone() - row.ended < timedelta(hours=1)


def test_a_running_trial_is_lost_only_when_its_worker_is_gone(url):
    stored = building.told(url, [([0.6], "running: "), ([0.6], "running: ")])
    gone = {**records.this_worker().to_json(), "pid": _free_pid()}
    ids = [trial._trial_id for trial in stored.study.trials]
    stored.storage.set_trial_user_attr(ids[1], records.WORKER, gone)
    assert [row.lost for row in rows(stored.study)] == [False, True]


def _free_pid() -> int:
    return max(psutil.pids()) + 100_000


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_null_in_json_all_through(value):
    found = json_object({"a": value, "b": [value, {"c": value}], "d": 1.5, "e": True})
    assert found == {"a": None, "b": [None, {"c": None}], "d": 1.5, "e": True}


def test_a_row_is_json_and_its_moments_are_iso_with_a_zone(mixed):
    row = rows(mixed.study)[0]
    told = json.loads(json.dumps(row.to_json(), allow_nan=False))
    moment = datetime.fromisoformat(told["started"])
    assert moment.tzinfo is not None
    assert abs(moment - row.started) < timedelta(seconds=1)
    assert told["settings"] == dict(row.settings)
