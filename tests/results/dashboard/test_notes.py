import pytest

from a3b_tune.results.dashboard.measure import Measure
from a3b_tune.results.dashboard.notes import Notes
from a3b_tune.results.overview import Ceiling
from a3b_tune.tuning import records
from tests.results import building

DATA = {"name": "xor", "train": 2000, "validation": 25_000}


def notes(ceiling: Ceiling | None = None, *changes: str) -> Notes:
    file = building.file(*changes)
    attrs = {records.STUDY_DATA: DATA, records.STUDY_CEILING: ceiling and vars(ceiling)}
    return Notes(file, Measure.of(file, attrs))


@pytest.fixture
def trials(mixed):
    return mixed.study.get_trials()


def test_a_study_is_told_by_what_was_asked():
    told = notes(Ceiling(0.75, "three_of_four", "one of four patterns is missed")).of_study()
    assert told.startswith("**Which pool does the baseline need?**")
    assert "**Ceiling 0.75**: one of four patterns is missed." in told
    assert "- `model.pool` `mean|max|select`" in told
    assert "training.batch_size=64" in told
    assert "a3b-tune show small " in told
    assert "a3b-tune worker small " in told


def test_a_trial_is_told_by_what_came_out(trials):
    told = notes(Ceiling(0.76, "", "")).of_trial(trials[0], "/artifacts/1/1/0-a")
    assert told.startswith("**0.75** in epoch 2, 0.01000 below the ceiling of 0.76")
    seed = trials[0].user_attrs["a3b:record"]["seed"]
    assert f"seed {seed}" in told
    assert "commit 0123456789ab" in told
    assert "](/artifacts/1/1/0-a)" in told
    assert "a3b-tune show small --trial 0\n" in told
    assert "--name small-0 --trials 1" in told


@pytest.mark.parametrize(
    ("value", "margin", "standing"),
    [(0.76, 0.0, "0.01000 below"), (0.75, 0.0, "at"), (0.74, 0.0, "above"), (0.74, 0.02, "at")],
)
def test_it_stands_at_its_ceiling_or_not(trials, value, margin, standing):
    told = notes(Ceiling(value, "", "", margin)).of_trial(trials[0])
    assert f", {standing} the ceiling of {value}" in told


def test_why_it_ended_is_told(trials):
    assert "pruned: behind at epoch 2" in notes().of_trial(trials[1])
    assert "pruned: diverged: mean loss nan" in notes().of_trial(trials[2])
    assert "failed: error: RuntimeError: no luck" in notes().of_trial(trials[3])
    assert "**" not in notes().of_trial(trials[2]), "it has no value"


def test_who_was_interrupted_says_so(trials):
    trial = trials[0]
    trial.user_attrs["a3b:interrupted"] = [{"kind": "lost", "reason": "worker 7 on a_b died"}]
    assert "interrupted: worker 7 on a\\_b died" in notes().of_trial(trial)


def test_a_model_that_errs_once_is_not_told_to_be_perfect():
    measure = notes().measure
    assert measure.value(0.999999) == "0.99999"
    assert measure.value(1.0) == "1.0"
    assert measure.value(0.5) == "0.5"


def test_a_name_is_no_markup(trials):
    hostile = "x](javascript:alert) <img src=x> `$(rm)`"
    told = notes(None, f"study.name={hostile}", f"study.question={hostile}")
    assert "<img" not in told.of_study().replace("\\<img", "").replace(f"'{hostile}'", "")
    assert f"a3b-tune show '{hostile}' --trial 0" in told.of_trial(trials[0])
