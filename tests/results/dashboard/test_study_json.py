import json

import optuna
import pytest
from optuna_dashboard import wsgi

from a3b_tune.results.dashboard import bands
from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning import records
from tests.results import building
from tests.results.dashboard.visiting import asked, site

STUDY = "/api/studies/1"
# What is told otherwise than by optuna-dashboard, of a study and of a trial.
OTHERWISE = {"user_attrs", "union_user_attrs", "note", "objective_names"}
OTHERWISE_OF_TRIAL = {"user_attrs", "note", "artifacts"}
HARD = [
    *building.MIXED,
    ([float("nan"), 0.5], "pruned: x"),
    ([float("inf")], "failed: y"),
    ([-float("inf")], "running: "),
    ([], "waiting: z"),
]


def stock(url, path=STUDY):
    answer = asked(wsgi(open_storage(url)), "GET", path, {"Accept-Encoding": ""})
    return json.loads(answer.body)


def without(told, left_out):
    return {key: value for key, value in told.items() if key not in left_out}


def test_it_says_what_optuna_dashboard_says(url):
    """But for what is named above: the pages read it as they read the other."""
    building.told(url, HARD)
    ours, theirs = site(url).json(STUDY), stock(url)
    for told in (ours, theirs):
        for space in told["union_search_space"]:
            # Theirs are in another order each time.
            space["distribution"].get("choices", []).sort(key=str)
    assert set(ours) - set(theirs) == {"objective_names"}
    assert set(theirs) <= set(ours)
    # Optuna's knows of no ranges at all once a trial waits that has none yet.
    assert len(ours["intersection_search_space"]) == len(ours["union_search_space"])
    lists = {"trials", "best_trials", "intersection_search_space"}
    assert without(ours, OTHERWISE | lists) == without(theirs, OTHERWISE | lists)
    assert [without(trial, OTHERWISE_OF_TRIAL) for trial in ours["trials"]] == [
        without(trial, OTHERWISE_OF_TRIAL) for trial in theirs["trials"]
    ]
    kinds = {key: type(value) for key, value in theirs["trials"][0].items()}
    assert {key: type(value) for key, value in ours["trials"][0].items()} == kinds


def test_a_page_gets_what_it_has_not(url):
    building.told(url, HARD)
    found = site(url)
    whole = found.json(STUDY)["trials"]
    for after in (0, 3, len(whole), len(whole) + 5):
        assert found.json(f"{STUDY}?after={after}")["trials"] == whole[after:]


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 30, "²"])
def test_no_number_is_no_number(unlocked, after):
    assert unlocked.ask("GET", f"{STUDY}?after={after}").status[:3] == "400"


def test_best_is_whoever_got_there_in_fewer_epochs(url):
    building.told(url, [([0.5, 0.9], "complete"), ([0.9, 0.5], "complete"), ([0.99], "pruned: x")])
    assert [trial["number"] for trial in site(url).json(STUDY)["best_trials"]] == [1]


def test_records_are_told_as_attributes_that_can_be_sorted(url):
    building.told(url, building.MIXED)
    told = site(url).json(STUDY)
    attrs = {one["key"]: one["value"] for one in told["trials"][0]["user_attrs"]}
    assert attrs["best_epoch"] == "2"
    assert attrs["epochs"] == "3"
    assert float(attrs["seconds"]) >= 7.5
    assert attrs["worker"].count(":") == 1
    sortable = {one["key"]: one["sortable"] for one in told["union_user_attrs"]}
    assert sortable["best_epoch"] is sortable["seconds"] is True
    assert sortable["reason"] is sortable["seed"] is False
    assert records.RECORD not in json.dumps(told)
    study = {one["key"]: one["value"] for one in told["user_attrs"]}
    assert study["model.pool"] == "mean|max|select"
    assert study["question"] == "Which pool does the baseline need?"


def test_attributes_of_a_persons_own_are_told_as_they_are(url):
    stored = building.told(url, [([0.5], "running: ")])
    stored.storage.set_trial_user_attr(stored.study.get_trials()[0]._trial_id, "mine", 1.5)
    stored.storage.set_study_user_attr(stored.id, "ours", "yes")
    told = site(url).json(STUDY)
    assert {"key": "mine", "value": "1.5"} in told["trials"][0]["user_attrs"]
    assert {"key": "mine", "sortable": True} in told["union_user_attrs"]
    assert {"key": "ours", "value": "yes"} in told["user_attrs"]


def test_very_many_trials_are_one_plot(url, monkeypatch):
    monkeypatch.setattr(bands, "MANY", len(building.MIXED) - 1)
    building.told(url, building.MIXED)
    told = site(url).json(STUDY)
    assert told["has_intermediate_values"] is False
    (plot,) = told["plotly_graph_objects"]
    assert json.loads(plot["graph_object"])["data"]
    assert told["trials"][0]["intermediate_values"], "a trial's own page still has them"


def test_a_plot_of_a_persons_own_is_told(url):
    stored = building.told(url, building.MIXED)
    for key, piece in {"a:0": '{"data"', "a:1": ": []}", "b:c:0": "{}"}.items():
        stored.storage.set_study_system_attr(stored.id, f"dashboard:plot_data:{key}", piece)
    told = site(url).json(STUDY)["plotly_graph_objects"]
    key = lambda one: one["id"]  # noqa: E731
    assert sorted(told, key=key) == sorted(stock(url)["plotly_graph_objects"], key=key)


def test_a_budget_that_grew_is_told(url):
    stored = building.told(url, [([0.5], "complete")])
    found = site(url)
    assert {"key": "trials", "value": "12"} in found.json(STUDY)["user_attrs"]
    grown = building.file("study.trials=99")
    stored.storage.set_study_user_attr(stored.id, records.STUDY_FILE, grown.to_json())
    assert {"key": "trials", "value": "99"} in found.json(STUDY)["user_attrs"]


def test_a_study_of_another_program_is_told_by_optuna_dashboard(url):
    building.told(url, [([0.5], "complete")])
    other = optuna.create_study(storage=open_storage(url, create=True), study_name="other")
    other.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=3)
    found = site(url)
    assert found.json("/api/studies/2") == stock(url, "/api/studies/2")
    names = [study["study_name"] for study in found.json("/api/studies")["study_summaries"]]
    assert names == ["small", "other"]
