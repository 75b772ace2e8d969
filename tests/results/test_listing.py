import json

import optuna
import psutil
import pytest

from a3b_tune.results.listing import study_lines, study_names
from a3b_tune.results.overview import study_overview
from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning import records
from tests.results import building


def test_a_line_agrees_with_the_whole_study(mixed):
    (line,) = study_lines(mixed.storage)
    overview = study_overview(mixed)
    assert line.counts == {state: n for state, n in overview.counts.items() if n}
    assert (line.name, line.data, line.models) == ("small", "xor", ("baseline",))
    assert (line.ended, line.asked, line.best) == (overview.ended, 12, 0.75)
    assert (line.ceiling, line.validation) == (overview.ceiling.value, 25_000)
    assert (line.started, line.last) == (overview.started, overview.last)
    assert line.problem is None


def test_the_study_last_worked_on_comes_first_and_an_empty_one_last(url):
    building.begun(url, "study.name=empty")
    building.told(url, [([0.5], "complete")], "study.name=old")
    building.told(url, [([0.6], "complete")], "study.name=new")
    lines = study_lines(open_storage(url))
    assert [line.name for line in lines] == ["new", "old", "empty"]
    assert [line.best for line in lines] == [0.6, 0.5, None]
    assert (lines[2].ended, lines[2].last) == (0, None)
    assert study_names(open_storage(url)) == ["empty", "old", "new"]


def test_a_storage_without_studies_has_no_lines(url):
    assert study_lines(open_storage(url, create=True)) == []


def test_every_model_that_may_be_drawn_is_named(url):
    building.begun(url, "model.name=baseline|simple_attention")
    assert study_lines(open_storage(url))[0].models == ("baseline", "simple_attention")


def test_running_trials_of_a_dead_worker_are_lost(url):
    stored = building.told(url, [([0.5], "running: "), ([0.5], "running: ")])
    gone = {**records.this_worker().to_json(), "pid": max(psutil.pids()) + 100_000}
    stored.storage.set_trial_user_attr(stored.study.trials[0]._trial_id, records.WORKER, gone)
    (line,) = study_lines(stored.storage)
    assert (line.counts["running"], line.lost) == (2, 1)


@pytest.mark.parametrize(
    ("attrs", "problem"),
    [
        ({}, "not made by a3b-tune"),
        ({records.STUDY_FILE: "{}", records.STUDY_FORMAT: 99}, "another version"),
        ({records.STUDY_FILE: "{]", records.STUDY_FORMAT: records.FORMAT}, "not JSON"),
    ],
)
def test_a_study_of_another_program_is_listed_with_what_is_wrong(url, attrs, problem):
    storage = open_storage(url, create=True)
    study = optuna.create_study(study_name="other", storage=storage, direction="maximize")
    for key, value in attrs.items():
        study.set_user_attr(key, value)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    (line,) = study_lines(open_storage(url))
    assert problem in line.problem
    assert (line.ended, line.asked, line.data) == (2, None, None)


def test_a_line_is_json(mixed):
    (line,) = study_lines(mixed.storage)
    told = json.loads(json.dumps(line.to_json(), allow_nan=False))
    assert (told["name"], told["best"], told["ended"]) == ("small", 0.75, 6)
