import json
import shlex
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest

from a3b_tune.cli.app import run
from a3b_tune.cli.whatif import _command
from a3b_tune.study import load as load_file
from a3b_tune.study import override
from a3b_tune.study.catalogue import find
from tests.commands import answered, refused
from tests.results import building
from tests.results.quickly import told_quickly

CURVES = [([0.6, 0.7, 0.75], "complete")] * 5 + [([0.5, 0.5, 0.5], "complete")] * 5
CUT = ([0.5], "pruned: behind at epoch 1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whatif")
    with told_quickly():
        building.told(building.url_in(folder), CURVES)
        building.told(building.url_in(folder), [CURVES[0], CUT], "study.name=cut")
        building.told(building.url_in(folder), [CUT], "study.name=nothing")
    return folder / "studies.db"


@pytest.fixture(autouse=True)
def here(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect("a3b-tune.db")) as to:
        source.backup(to)
    return tmp_path


def test_all_pruners_are_tried_and_the_best_is_offered(capsys):
    out = answered(capsys, "whatif", "small")
    for name in ("as it ran", "hyperband", "asha", "median", "percentile", "patient", "none"):
        assert name in out
    assert "Replayed, the study's own pruner (none) ends every trial where it ended" in out
    assert "finds the same value for" in out
    assert "a3b-tune run small.toml --pruner" in out
    assert "unknown" not in out
    assert max(map(len, out.split("\n\n")[0].splitlines())) <= 80


def test_the_command_that_is_offered_is_one(capsys):
    asked = ("whatif", "small", "--pruner", "asha:reduction_factor=2", "--json")
    told = json.loads(answered(capsys, *asked))
    words = shlex.split(told["next"])
    assert told["better"] == "asha:reduction_factor=2"
    assert words[:5] == ["a3b-tune", "run", "small.toml", "--pruner", "asha"]
    assert words[5:7] == ["--set", "study.pruner.reduction_factor=2"]
    assert words[-2:] == ["--name", "small-asha"]


def test_what_could_not_be_followed_is_told(capsys):
    out = answered(capsys, "whatif", "cut", "--pruner", "none")
    assert "4–6" in out and "100–150%" in out
    assert "unknown: trials that were pruned when the study ran" in out
    assert "None of these finds the same for less than the study took" in out


def test_budgets_are_replayed(capsys):
    words = ("--pruner", "none", "--trials", "2", "--trials", "4", "--budget", "20s")
    told = json.loads(answered(capsys, "whatif", "small", "--json", *words))
    assert [each["epochs"] for each in told["replays"]] == [6, 12, 8]
    assert "--trials 2" in told["next"]
    out = answered(capsys, "whatif", "small", *words)
    assert "none, 2 trials" in out and "none, 20 s" in out


def test_a_study_that_comes_with_a3b_tune_has_its_own_command():
    synth = override(load_file(find("synth")), ["study.pruner=median", "study.name=mine"])
    assert _command(SimpleNamespace(file=synth, name="mine")) == ["synth"]
    other = override(synth, ["model.pool=max"])
    assert _command(SimpleNamespace(file=other, name="mine")) == ["run", "mine.toml"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("nothing",), "study 'nothing' has no complete trial yet; whatif needs one"),
        (("small", "--pruner", "asah"), "did you mean 'asha'"),
        (("small", "--pruner", "median:warmup=1"), "did you mean 'warmup_epochs'"),
        (("small", "--trials", "0"), "--trials 0: must be at least 1"),
        (("small", "--budget", "soon"), "--budget soon"),
        (("smal",), "did you mean 'small'"),
        ((), "which study?"),
    ],
)
def test_mistakes_are_one_line(capsys, words, text):
    assert text in refused(capsys, "whatif", *words)


def test_help_shows_how_it_is_used(capsys):
    assert run(["whatif", "--help"]) == 0
    assert "a3b-tune whatif synth" in capsys.readouterr().out
