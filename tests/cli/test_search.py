import json
import shlex
from pathlib import Path

import pytest

from a3b_tune.cli.app import run
from a3b_tune.study import Choices, Range, dumps_toml, load, override
from a3b_tune.study.catalogue import find
from tests.commands import SMALL, answered, child, contents, refused

SETTINGS_OF_XOR = load(find("xor")).settings()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder, and a screen of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def asked(monkeypatch):
    """Gives a command whose search is not begun: the study file it would have run, and how."""
    seen = []

    def run_study(file, asked, console):
        seen.append((file, asked))
        return 0

    monkeypatch.setattr("a3b_tune.cli.running.run_study", run_study)

    def ask(*arguments):
        assert run(arguments) == 0
        return seen.pop()

    return ask


@pytest.mark.parametrize("name", ["xor", "synth", "imdb", "toy", "wp"])
def test_without_options_the_shipped_file_is_run_as_it_is(asked, name):
    file, how = asked(name)
    assert file == load(find(name))
    assert (how.storage, how.device, how.data_dir, how.as_json) == (None, "auto", None, False)


def test_run_takes_a_name_or_a_file_of_ones_own(asked, here):
    assert asked("run", "positions_xor")[0] == load(find("positions_xor"))
    mine = override(load(find("xor")), ["study.name=mine", "study.trials=7"])
    (here / "my own.toml").write_text(dumps_toml(mine))
    assert asked("run", "my own.toml")[0] == mine


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--trials", "7"], {"trials": 7}),
        (["-n", "7"], {"trials": 7}),
        (["--timeout", "1h30m"], {"timeout": 5400.0}),
        (["--timeout", "45"], {"timeout": 45.0}),
        (["--name", "mine"], {"name": "mine"}),
        (["--seed", "3"], {"seed": 3}),
    ],
)
def test_an_option_sets_the_study_and_leaves_every_setting(asked, words, value):
    file, _ = asked("xor", *words)
    assert {key: getattr(file.study, key) for key in value} == value
    assert file.settings() == SETTINGS_OF_XOR


def test_a_trials_time_is_a_setting_of_its_training(asked):
    file, _ = asked("toy", "--max-time", "5m")
    assert file.training.max_time == 300.0


def test_curves_go_nowhere_unless_they_are_asked_for(asked):
    _, how = asked("toy")
    assert (how.tensorboard, how.wandb) == (None, None)
    _, how = asked("toy", "--tensorboard")
    assert how.tensorboard == Path("a3b-tune-tensorboard")
    _, how = asked("toy", "--tensorboard", "--tensorboard-dir", "runs")
    assert how.tensorboard == Path("runs")


def test_sampler_and_pruner_are_named(asked):
    file, _ = asked("xor", "--sampler", "random", "--pruner", "none")
    assert (file.study.sampler.name, file.study.pruner.name) == ("random", "none")
    assert file.settings() == SETTINGS_OF_XOR


def test_options_that_say_where_are_passed_on(asked):
    words = ["--storage", "sqlite:///x.db", "--device", "cpu", "--workers", "2", "--json"]
    _, how = asked("imdb", *words, "--data-dir", "somewhere")
    assert (how.storage, how.device, how.workers) == ("sqlite:///x.db", "cpu", "2")
    assert (how.data_dir, how.as_json) == (Path("somewhere"), True)
    assert (how.stack, how.precision) == ("auto", "auto")
    _, how = asked("imdb", "--stack", "8", "--precision", "bfloat16")
    assert (how.stack, how.precision) == ("8", "bfloat16")


@pytest.mark.parametrize(
    ("change", "key", "setting"),
    [
        ("model.heads=4", "model.heads", 4),
        ("model.heads=1|2|4", "model.heads", Choices(choices=(1, 2, 4))),
        ("model.heads=1..4", "model.heads", Range(low=1, high=4)),
        ("optimizer.lr=1e-4..1e-1:log", "optimizer.lr", Range(low=1e-4, high=1e-1, log=True)),
        ("optimizer.lr=0.1..0.5:step=0.1", "optimizer.lr", Range(low=0.1, high=0.5, step=0.1)),
        ("optimizer.lr=1", "optimizer.lr", 1.0),
        ("optimizer.name=adam|sgd", "optimizer.name", Choices(choices=("adam", "sgd"))),
        ("model.pool=max", "model.pool", "max"),
        ("training.clip=1", "training.clip", 1.0),
        ("data.max_length=3", "data.max_length", 3),
    ],
)
def test_set_takes_a_value_a_choice_or_a_range(asked, change, key, setting):
    file, _ = asked("xor", "--set", change)
    assert file.settings() == {**SETTINGS_OF_XOR, key: setting}
    assert type(file.settings()[key]) is type(setting)


def test_the_last_of_two_that_say_different_things_counts(asked):
    file, _ = asked("xor", "-s", "model.heads=1", "-s", "model.heads=2")
    assert file.model["heads"] == 2


def test_what_one_change_breaks_another_may_mend(asked):
    """A grid needs choices, a pruner enough evaluations: nothing is judged before all is said."""
    lr = "optimizer.lr=0.001|0.01"
    file, _ = asked("synth", "--sampler", "grid", "--set", lr)
    assert file.study.sampler.name == "grid"
    short = ("--set", "training.steps=250", "--set", "study.pruner.min_resource=1")
    assert asked("toy", *short)[0].rounds == 1
    assert asked("toy", *short[:2], "--pruner", "none")[0].rounds == 1


def test_the_change_that_is_wrong_is_named(capsys):
    line = refused(capsys, "synth", "--sampler", "grid", "--trials", "5")
    assert "--sampler" in line and "optimizer.lr is 0.0001..0.1:log" in line


def test_none_takes_a_setting_out_again(asked):
    file, _ = asked("xor", "--set", "training.clip=1", "--set", "training.clip=none")
    assert file.settings() == SETTINGS_OF_XOR


def test_pool_and_model_are_short_for_set(asked):
    assert asked("xor", "--pool", "mean|max")[0] == asked("xor", "-s", "model.pool=mean|max")[0]
    short, _ = asked("xor", "--model", "baseline")
    assert short == asked("xor", "--set", "model.name=baseline")[0]


def test_another_model_leaves_out_what_it_has_no_use_for_and_says_so(asked, capsys):
    file, _ = asked("xor", "--model", "baseline")
    assert file.model == {"name": "baseline", "pool": Choices(choices=("select", "max"))}
    said = " ".join(capsys.readouterr().out.split())
    assert said == ("left out, without effect here: model.positions, model.heads, model.head_width")


def test_what_one_of_several_models_takes_stays(asked, capsys):
    file, _ = asked("xor", "--model", "baseline|full_attention")
    assert set(file.model) == set(load(find("xor")).model)
    assert capsys.readouterr().out == ""


def test_the_same_model_leaves_nothing_out(asked, capsys):
    assert asked("xor", "--model", "full_attention")[0] == load(find("xor"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("model", ["--model=simple_attention", "--set=model.name=simple_attention"])
def test_a_setting_typed_for_a_model_that_has_none_is_a_mistake(capsys, model):
    err = refused(capsys, "xor", model, "--set", "model.heads=4")
    assert "model.heads: unknown setting of simple_attention 'heads'" in err


def test_what_is_left_out_is_no_part_of_the_json(asked, capsys):
    asked("xor", "--model", "baseline", "--json")
    out, err = capsys.readouterr()
    assert out == ""
    assert "left out" in err


SEARCHES = [
    ["xor"],
    ["synth", "--model", "baseline", "--pool", "mean|max", "--seed", "3", "--name", "b c"],
    ["imdb", "--data-dir", "my data", "--workers", "2", "--device", "cpu", "--sampler", "random"],
    ["run", "positions_xor", "--pruner", "none", "--pool", "select|max"],
    ["xor", "--set", "optimizer.lr=1e-4..1e-1:log", "--set", "model.heads=1|2"],
    ["synth", "--stack", "16", "--precision", "float32", "--workers", "1"],
    ["toy", "--max-time", "5m", "--set", "training.steps=1000"],
    ["toy", "--tensorboard-dir", "my runs", "--wandb", "my project"],
]


@pytest.mark.parametrize("words", SEARCHES, ids=" ".join)
def test_the_command_to_go_on_asks_for_the_same_study(asked, words):
    file, how = asked(*words)
    again = shlex.split(how.again(2 * file.study.trials))
    assert again[0] == "a3b-tune"
    more, how_again = asked(*again[1:])
    assert more == override(file, [f"study.trials={2 * file.study.trials}"])
    changed = {"trials": how_again.trials}
    assert {**vars(how), **changed} == vars(how_again)


def test_trials_are_the_total_of_the_study_however_often_it_is_called(capsys, here):
    def ended(trials):
        answered(capsys, *SMALL, "--trials", trials)
        told = json.loads(answered(capsys, "show", "--json"))
        return sum(told["counts"].values())

    assert ended("1") == 1
    assert ended("3") == 3
    assert ended("3") == 3
    assert ended("2") == 3
    assert all(name.startswith("a3b-tune.db") for name in contents(here))


def test_a_study_is_not_gone_on_with_by_other_settings(capsys, here):
    answered(capsys, *SMALL, "--trials", "1")
    before = answered(capsys, "export", "--format", "json")
    err = refused(capsys, *SMALL, "--trials", "2", "--set", "optimizer.lr=0.1", "--seed", "5")
    assert "optimizer.lr: stored 0.0001..0.1:log, asked 0.1" in err
    assert "study.seed: stored 0, asked 5" in err
    assert "--name" in err
    assert answered(capsys, "export", "--format", "json") == before
    answered(capsys, *SMALL, "--trials", "1", "--set", "optimizer.lr=0.1", "--name", "other")
    told = json.loads(answered(capsys, "studies", "--json"))
    assert {line["name"] for line in told["studies"]} == {"baseline_xor", "other"}


def test_budget_and_time_are_no_other_settings(capsys):
    answered(capsys, *SMALL, "--trials", "1")
    more = ["--trials", "2", "--timeout", "10m", "--set", "study.question=why"]
    assert "trials  2 of 2 done" in answered(capsys, *SMALL, *more)


def test_other_data_under_the_same_name_is_noticed(capsys, here):
    rows = [f"{label},{text} {text}" for label in "ab" for text in ("one", "two", "three")] * 5
    (here / "rows.csv").write_text("\n".join(["label,text", *rows]))
    (here / "mine.toml").write_text(
        '[study]\nname = "mine"\ntrials = 1\n[data]\nname = "table"\npath = "rows.csv"\n'
        '[model]\nname = "baseline"\nwidth = 4\n[training]\nepochs = 1\n'
    )
    words = ["run", "mine.toml", "--workers", "1"]
    answered(capsys, *words)
    (here / "rows.csv").write_text("\n".join(["label,text", *rows, "a,four"]))
    err = refused(capsys, *words, "--trials", "2")
    assert "its rows are not the ones the study began with" in err


def test_json_is_all_that_stands_on_stdout(here):
    done = child(*SMALL, "--trials", "2", "--json", cwd=here)
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["name"] == "baseline_xor"
    assert sum(told["counts"].values()) == 2
    assert "[2/2" in done.stderr
    assert "Traceback" not in done.stderr
