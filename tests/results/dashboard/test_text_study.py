"""A study on text in the dashboard: fewer bits are better, time is counted in steps, and curves
come down to the floor."""

import json

import pytest

from a3b_tune.results.dashboard import bands
from a3b_tune.results.dashboard.curves import Pictures
from a3b_tune.results.dashboard.measure import Measure
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import BITS
from a3b_tune.tuning import records
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.studies import open_study
from tests.cli import letters
from tests.results import building
from tests.results.dashboard.visiting import site

STUDY = "/api/studies/1"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    url = building.url_in(tmp_path_factory.mktemp("text"))
    letters.told(url, letters.MIXED)
    return url


@pytest.fixture(scope="module")
def told(url):
    return site(url).json(STUDY)


def attrs(told):
    return {one["key"]: one["value"] for one in told["user_attrs"]}


def test_the_best_has_the_fewest_bits(told):
    assert told["directions"] == ["minimize"]
    assert told["objective_names"] == ["validation bits per character"]
    assert [trial["number"] for trial in told["best_trials"]] == [3]


def test_reports_stand_at_their_steps(told):
    assert told["trials"][3]["intermediate_values"] == [
        {"step": 10, "value": 1.0}, {"step": 20, "value": 0.75}, {"step": 30, "value": 0.5625},
    ]  # fmt: skip


def test_scores_are_columns_that_can_be_sorted(told):
    trial = attrs(told["trials"][3])
    assert (trial["best_step"], trial["steps"]) == ("30", "30")
    assert float(trial["final_excess"]) == 0.0083
    assert float(trial["valid_share"]) == 0.992
    sortable = {one["key"]: one["sortable"] for one in told["union_user_attrs"]}
    assert sortable["excess"] is sortable["final_bits"] is True


def test_the_study_tells_its_floor_and_its_text(told):
    study = attrs(told)
    assert study["floor"].startswith("0.5480: ")
    assert study["data"] == "toy: 200 training and 200 validation characters"
    note = told["note"]["body"]
    assert "**Floor 0.5480 ± 0.0010 bits per character**" in note
    assert "a3b-tune sample letters" in note


def test_a_trials_note_tells_its_scores_and_its_last_sample(told):
    note = told["trials"][3]["note"]["body"]
    assert note.startswith("**0.5625 bits** at step 30; the floor is 0.5480")
    assert "- fresh windows: excess over the ideal predictor 0.0083 ± 0.0011" in note
    assert "- 99.2% of 612 sampled sentences valid" in note
    assert "```text\nabc abc abc abc [bold]3\n```" in note
    running = told["trials"][4]["note"]["body"]
    assert "abc abc [bold]1" in running


def test_what_a_model_writes_is_no_markup(tmp_path):
    stored = letters.begun(building.url_in(tmp_path))
    trial = ask(stored, 10, building.ABOUT)
    record = {key: value for key, value in building.epoch(1, 1.0).items() if key != "accuracy"}
    hostile = "``` \n<img src=x> ![](http://x)\n````"
    trial.report(1.0, {**record, "bits": 1.0, "sample": hostile})
    building.tell(trial, [], "complete")
    note = site(building.url_in(tmp_path)).json(STUDY)["trials"][0]["note"]["body"]
    fence = "`" * 5
    assert f"{fence}text\n" in note
    inside = note.split(f"{fence}text\n")[1].split(f"\n{fence}")[0]
    assert "<img src=x>" in inside


def test_an_artifact_that_was_kept_stands_once(told):
    for trial in told["trials"]:
        names = [artifact["filename"] for artifact in trial["artifacts"]]
        assert len(names) == len(set(names))


def test_very_many_trials_are_one_plot_that_comes_down_to_the_floor(url, monkeypatch):
    monkeypatch.setattr(bands, "MANY", 1)
    (plot,) = site(url).json(STUDY)["plotly_graph_objects"]
    drawn = json.loads(plot["graph_object"])
    assert drawn["layout"]["xaxis"]["title"]["text"] == "step"
    assert drawn["layout"]["yaxis"]["title"]["text"] == "validation bits per character"
    assert drawn["layout"]["shapes"][0]["y0"] == 0.548
    lines = [line for line in drawn["data"] if line["name"].startswith("trial ")]
    assert [line["name"] for line in lines] == ["trial 3", "trial 0"]
    assert lines[0]["x"] == [10, 20, 30]


def test_its_curves_are_a_picture(url):
    stored = open_study(open_storage(url), "letters")
    measure = Measure.of(stored.file, stored.study.user_attrs)
    assert measure.metric == BITS
    assert measure.level == ("floor", 0.548)
    trial = stored.study.get_trials()[3]
    assert records.EPOCHS in trial.user_attrs
    assert Pictures().of(trial, "letters, trial 3", measure).startswith(b"\x89PNG")
