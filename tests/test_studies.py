"""Every study that comes with a3b-tune, run for two steps by the command that a person types."""

import json

import pytest

from a3b_tune.cli.app import run
from a3b_tune.study import Choices, Range, load, override
from a3b_tune.study.catalogue import shipped
from a3b_tune.training.checks import check_model
from a3b_tune.tuning.sampling import check_sampler
from a3b_tune.tuning.space import applies
from tests.commands import answered, small_imdb

STEPS, BATCH = 2, 16
SHORT = [
    *("--trials", "1", "--workers", "1", "--set", f"data.rows={STEPS * BATCH}"),
    *("--set", "training.epochs=1", "--set", f"training.batch_size={BATCH}"),
]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """A data folder with reviews in the real file's format, so that no test needs the real one."""
    return small_imdb(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def within(value, setting):
    if isinstance(setting, Choices):
        return value in setting.choices
    if isinstance(setting, Range):
        return setting.low <= value <= setting.high
    return value == setting


@pytest.mark.parametrize(("name", "path"), shipped().items())
def test_it_is_sound_and_says_what_it_answers(name, path):
    file = load(path)
    check_model(file, str(path))
    check_sampler(file)
    assert file.study.name == name
    assert file.study.question.endswith("?")
    assert file.searched()
    comment = path.read_text(encoding="utf-8").partition("[study]")[0]
    assert "question" in comment
    assert all(line.startswith("#") for line in comment.strip().splitlines())


@pytest.mark.parametrize(("name", "path"), shipped().items())
def test_it_runs(capsys, reviews, name, path):
    asked = load(path)
    words = ["run", name, *SHORT] + ["--data-dir", str(reviews)] * (asked.data.name == "imdb")
    out = answered(capsys, *words)
    assert "all trials done" in out
    told = json.loads(answered(capsys, "export", name, "--format", "json"))
    (trial,) = told["trials"]
    assert trial["state"] == "complete"
    assert len(trial["epochs"]) == 1
    assert 0.0 <= trial["value"] <= 1.0
    short = override(asked, ["training.epochs=1", f"training.batch_size={BATCH}"])
    model = trial["settings"]["model.name"]
    for key, setting in short.settings().items():
        assert not applies(key, model) or within(trial["settings"][key], setting)
    assert set(trial["params"]) == {key for key in short.searched() if applies(key, model)}


@pytest.mark.parametrize("name", ["xor", "synth", "imdb"])
def test_the_commands_of_their_own_run_the_files_of_their_name(capsys, reviews, name):
    assert run([name, *SHORT, "--data-dir", str(reviews), "--json"]) == 0
    out, _ = capsys.readouterr()
    assert json.loads(out)["name"] == name


def test_every_question_that_asks_for_tuning_has_its_study():
    asked = {
        *("baseline_xor", "baseline_synth", "baseline_imdb", "positions_xor", "transformer_imdb"),
        *("simple_attention_xor", "simple_attention_synth"),
        *("full_attention_xor", "full_attention_synth", "xor", "synth", "imdb"),
    }
    assert set(shipped()) == asked
