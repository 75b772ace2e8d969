"""Trials that were really trained, run again from their records."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
import torch

from a3b_tune.cli import rerunning as command
from a3b_tune.cli.app import run
from a3b_tune.finals.rerunning import Verdict, compared, differences, run_again
from a3b_tune.finals.trial_record import company, faults, recorded
from a3b_tune.storage.opening import open_storage
from a3b_tune.training import Prepared
from a3b_tune.tuning import records
from a3b_tune.tuning.loop import Limits, Run
from a3b_tune.tuning.studies import open_study
from tests.commands import answered, refused
from tests.results import building
from tests.results.quickly import few_rows, told_quickly

CHANGES = (
    "training.epochs=2",
    "model.width=4",
    "model.pool=select",
    "optimizer.lr=0.001..0.01",
    "data.rows=640",
)


@pytest.fixture(scope="module")
def xor():
    return few_rows()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, xor):
    """Two trials alone, one that diverged, and three in a stack of two."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("rerun")
    url = building.url_in(folder)
    prepared = Prepared(xor, torch.device("cpu"))
    for name, trials, stack, more in (
        ("alone", 2, "1", ()),
        ("wild", 1, "1", ("optimizer.lr=1e30..2e30", "optimizer.name=sgd")),
        ("stacked", 3, "2", ()),
    ):
        with told_quickly():
            stored = building.begun(url, f"study.name={name}", *CHANGES, *more)
        limits = Limits(trials, None, lambda: None)
        Run(stored, prepared, limits, lambda event: None, stack=stack)()
    return folder / "studies.db"


@pytest.fixture(autouse=True)
def here(trained, xor, tmp_path, monkeypatch):
    """A copy of it is the storage of this folder; its data is made once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    with closing(sqlite3.connect(trained)) as source, closing(sqlite3.connect("a3b-tune.db")) as to:
        source.backup(to)
    monkeypatch.setattr(command, "load_dataset", lambda section, folder: xor)
    return tmp_path


def stored(name="alone"):
    return open_study(open_storage(None), name)


def told(capsys, study, trial, *words):
    """The verdict as JSON, and the exit code."""
    code = run(["rerun", study, "--trial", str(trial), "--json", *words])
    return json.loads(capsys.readouterr().out), code


def change(study, number, **fields):
    """Changes what is recorded of a trial."""
    opened = stored(study)
    trial = opened.study.get_trials()[number]
    record = trial.user_attrs[records.RECORD] | fields
    text = json.dumps(record)
    with closing(sqlite3.connect("a3b-tune.db")) as database:
        database.execute(
            "UPDATE trial_user_attributes SET value_json = ? WHERE trial_id = ? AND key = ?",
            (text, trial._trial_id, records.RECORD),
        )
        database.commit()


def test_a_trial_that_ran_alone_comes_out_the_same_to_the_bit(capsys):
    out = answered(capsys, "rerun", "alone", "--trial", "1")
    assert "curve      agree: 2 epochs of 2, bit for bit" in out
    assert out.endswith("It agrees: settings, data and every number of the curve\n")


def test_only_its_first_epochs(capsys):
    found, code = told(capsys, "alone", 0, "--epochs", "1")
    assert (code, found["exact"], found["epochs"], found["recorded"]) == (0, True, 1, 2)


def test_a_trial_that_diverged_diverges_again(capsys):
    assert recorded(stored("wild"), 0).diverged
    found, code = told(capsys, "wild", 0)
    assert (code, found["exact"], found["ending"]) == (0, True, None)


def test_a_stack_comes_out_the_same_beside_the_same(xor):
    study = stored("stacked")
    first = recorded(study, 0)
    beside = company(study, first)
    assert [other.number for other in beside] == [1]
    prepared = Prepared(xor, torch.device("cpu"))
    outcomes = list(run_again(first, beside, prepared, 2))
    assert compared(first, outcomes, "accuracy") == ([], None)
    (other,) = differences(study, first, first.device, len(beside))
    assert other.what == "company"


def test_alone_a_member_of_a_stack_agrees_but_for_rounding(capsys):
    found, code = told(capsys, "stacked", 1, "--alone")
    assert (code, found["agrees"]) == (0, True)
    assert [each["what"] for each in found["differences"]] == ["company"]
    assert all(gap["size"] < 1e-4 for gap in found["gaps"])


def test_other_data_is_told_and_nothing_is_trained(capsys, xor, monkeypatch):
    other = replace(xor, class_names=("no", "yes"))
    monkeypatch.setattr(command, "load_dataset", lambda section, folder: other)
    found, code = told(capsys, "alone", 0)
    assert (code, found["agrees"], found["epochs"]) == (1, False, 0)
    assert found["data"] == {"what": "data", "then": xor.data_hash, "now": other.data_hash}
    assert run(["rerun", "alone", "--trial", "0"]) == 1
    assert "It does not agree: the data is another" in capsys.readouterr().out


def test_a_precision_that_the_device_does_not_have_is_refused(capsys):
    words = ("rerun", "alone", "--trial", "0", "--precision", "tf32")
    assert "--precision tf32: needs a GPU" in refused(capsys, *words)


def test_a_seed_that_was_changed_is_told(capsys):
    change("alone", 0, seed=7)
    found, code = told(capsys, "alone", 0)
    assert code == 1
    assert found["faults"][0].startswith("the record's seed is 7, the study gives this trial")
    # And what comes out is another curve.
    assert {gap["name"] for gap in found["gaps"]} >= {"loss"}


def test_a_setting_that_was_changed_is_told(capsys):
    settings = dict(recorded(stored(), 0).settings) | {"training.batch_size": 128}
    change("alone", 0, settings=settings)
    study = stored()
    expected = "the record's training.batch_size is 128, the study gave this trial 64"
    assert faults(study, recorded(study, 0)) == [expected]
    assert run(["rerun", "alone", "--trial", "0"]) == 1
    out = capsys.readouterr().out
    assert "settings   DIFFER" in out and expected in out


def test_a_value_that_was_changed_is_told():
    with closing(sqlite3.connect("a3b-tune.db")) as database:
        database.execute("UPDATE trial_intermediate_values SET intermediate_value = 0.99")
        database.commit()
    study = stored()
    trial = recorded(study, 1)
    found = faults(study, trial)
    assert [f"accuracy of epoch {at}" in fault for at, fault in enumerate(found, 1)] == [True, True]


def test_other_versions_are_told(capsys):
    versions = recorded(stored(), 0).versions
    change("alone", 0, versions={**versions, "torch": "1.0"}, device="cuda:0 (NVIDIA)")
    found, code = told(capsys, "alone", 0)
    assert code == 0
    assert [each["what"] for each in found["differences"]] == ["version of torch", "device"]
    assert found["differences"][0]["then"] == "1.0"


def test_a_curve_that_is_another_is_not_called_rounding(xor):
    study = stored()
    trial = recorded(study, 0)
    far = [{**epoch, "accuracy": epoch["accuracy"] - 0.1} for epoch in trial.epochs]
    outcomes = list(run_again(trial, [], Prepared(xor, torch.device("cpu")), 2))
    gaps, ending = compared(replace(trial, epochs=far), outcomes, "accuracy")
    assert (gaps[0].name, gaps[0].size) == ("accuracy", pytest.approx(0.1))
    verdict = Verdict(0, "accuracy", (), (), gaps=tuple(gaps), ending=ending)
    assert not verdict.agrees and not verdict.near


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("alone",), "--trial: which trial? add --trial N"),
        (("alone", "--trial", "2"), "--trial 2: study 'alone' has the trials 0 to 1"),
        (("alone", "--trial", "x"), "--trial x: must be a whole number"),
        (("alone", "--trial", "0", "--epochs", "0"), "--epochs 0: must be at least 1"),
        (("alnoe", "--trial", "0"), "did you mean 'alone'"),
    ],
)
def test_mistakes_are_one_line(capsys, words, text):
    assert text in refused(capsys, "rerun", *words)
