"""The command `train`: a study's trial as a folder, and the test split that is told of."""

import json
import os
import signal

import pytest

from a3b_tune.cli.app import run
from a3b_tune.cli.training_display import TrainingDisplay
from a3b_tune.finals.checkpoint import open_checkpoint
from tests.commands import answered, contents, refused
from tests.results import building


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """The URL of a study of two trials that were really trained."""
    url = building.url_in(tmp_path_factory.mktemp("train"))
    building.trained(url, 2)
    return url


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


@pytest.fixture
def url(studies, monkeypatch):
    monkeypatch.setenv("A3B_TUNE_STORAGE", studies)
    return studies


def read(path):
    return json.loads(path.read_text())


def trained(capsys, *words):
    """What `--json` says; how it went is on stderr."""
    assert run(("train", *words, "--json")) == 0
    out, err = capsys.readouterr()
    assert "loss" in err
    return json.loads(out)


def best(capsys):
    return json.loads(answered(capsys, "show", "--json"))["best"][0]


def test_the_best_trial_becomes_a_folder_that_answers(capsys, url, here):
    row = best(capsys)
    told = answered(capsys, "train")
    path = here / f"small-trial{row['number']}"
    assert contents(here)[0] == path.name
    assert f"saved in              {path.name}" in told
    assert "Validation accuracy: " in told
    found = open_checkpoint(path)
    assert found.settings["width"] == row["settings"]["model.width"]
    assert len(found.encode("true false").tokens) == 2
    metrics, origin = read(path / "metrics.json"), read(path / "provenance.json")
    assert (metrics["part"], metrics["search_said"]["trial"]) == ("validation", row["number"])
    assert len(metrics["epochs"]) == row["best_epoch"]
    assert (origin["trial_seed"], origin["settings"]) == (row["seed"], row["settings"])
    assert origin["seed"] not in (row["seed"], 0)
    assert origin["command"].startswith("a3b-tune train small --trial ")


def test_the_trials_own_seed_gives_the_trials_own_value(capsys, url):
    row = best(capsys)
    told = trained(capsys, "--seed", str(row["seed"]))
    assert told["value"] == row["value"]


def test_with_final_the_test_split_is_scored_and_noted_and_the_second_time_told(
    capsys, tmp_path, monkeypatch, here
):
    url = building.url_in(tmp_path)
    monkeypatch.setenv("A3B_TUNE_STORAGE", url)
    building.trained(url, 1)
    first = trained(capsys, "--final", "--seeds", "2")
    assert (first["part"], first["tested_before"]) == ("test", [])
    assert first["value"] == first["seeds"][0]["value"]
    assert min(one["value"] for one in first["seeds"]) <= first["mean"]
    assert read(here / "small-trial0-final" / "provenance.json")["data"]["trained_on"] == (
        "train and validation"
    )
    (noted,) = json.loads(answered(capsys, "show", "--json"))["tests"]
    assert noted["value"] == first["mean"]
    assert f"scored {noted['when'][:10]}, trial 0: " in answered(capsys, "show")
    assert run(("train", "--final", "--force")) == 0
    out, err = capsys.readouterr()
    assert "Test accuracy: " in out and "a sample of the training" in out
    assert err.startswith("the test set of study 'small' was scored before: ")
    assert "makes it a validation set" in err and err.count("\n") == 1
    assert len(json.loads(answered(capsys, "show", "--json"))["tests"]) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--trial", "x"), "--trial x: neither best nor a trial's number"),
        (("--trial", "9"), "--trial 9: study 'small' has the trials 0 to 1"),
        (("--seeds", "0"), "--seeds 0: must be at least 1"),
        (("--seed", "-1"), "--seed -1: must be at least 0"),
        (("--out", "none/there"), "there is no folder"),
        (("--out", "file"), "file: is there already and is no folder"),
        (("--out", "full", "--force"), "full: is there already and holds 'letter'"),
        (("--test-path", "x.csv"), "the test part is read with --final alone"),
        (("--device", "gpu"), "gpu"),
        (("--precision", "bfloat16", "--device", "cpu"), "a CPU computes with float32"),
        (("smal",), "did you mean 'small'?"),
    ],
)
def test_mistakes_cost_one_line_and_make_nothing(capsys, url, here, words, told):
    (here / "file").write_text("")
    (here / "full").mkdir()
    (here / "full" / "letter").write_text("")
    assert told in refused(capsys, "train", *words)
    assert contents(here) == ["file", "full", "full/letter"]


def test_a_trial_without_an_epoch_has_nothing_to_train(capsys, tmp_path, monkeypatch):
    url = building.url_in(tmp_path)
    building.told(url, building.MIXED)
    monkeypatch.setenv("A3B_TUNE_STORAGE", url)
    told = refused(capsys, "train", "--trial", "2")
    assert "trial 2 of study 'small' never completed an epoch (diverged: " in told


def test_ctrl_c_leaves_nothing(capsys, url, here, monkeypatch):
    step = TrainingDisplay.step

    def interrupted(self):
        step(self)
        if self._steps == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(TrainingDisplay, "step", interrupted)
    assert run(("train",)) == 130
    assert "Ctrl-C: nothing is written" in capsys.readouterr().out
    assert contents(here) == []


def test_a_password_is_nowhere_in_the_folder(capsys, here, new_database):
    url = new_database
    building.trained(url, 1)
    secret = url.split("//")[1].split("@")[0].partition(":")[2]
    answered(capsys, "train", "--storage", url)
    everything = b"".join(path.read_bytes() for path in (here / "small-trial0").iterdir())
    assert secret and secret.encode() not in everything
