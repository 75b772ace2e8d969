"""Every study that comes with a3b-tune, run for two steps by the command that a person types."""

import gzip
import json
import random

import pytest

from a3b_tune.cli.app import run
from a3b_tune.data import wp
from a3b_tune.study import Choices, Range, load, override
from a3b_tune.study.catalogue import find, shipped
from a3b_tune.training.checks import check_model
from a3b_tune.tuning.sampling import check_sampler
from a3b_tune.tuning.space import applies
from tests.commands import answered, small_imdb
from tests.pretrained import tiny_distilbert

STEPS, BATCH = 2, 16
ONE = ["--trials", "1", "--workers", "1"]
SHORT = [f"data.rows={STEPS * BATCH}", "training.epochs=1", f"training.batch_size={BATCH}"]
SHORT_TEXT = [
    *(f"training.steps={STEPS}", f"training.evaluate_every={STEPS}", "training.windows=8"),
    *(f"training.batch_size={BATCH}", "training.final_batches=0", "samples.length=8"),
    *("model.heads=2", "model.head_width=4", "model.depth=1", "data.max_length=16"),
    "study.pruner=none",
]
# Its weights are made on the spot, in the folder where the study runs.
SHORT_PRETRAINED = [*SHORT, "model.checkpoint=tiny", "data.max_length=16"]
WIKIPEDIA = 200_000
"""Bytes of a stand-in for wp."""


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """A data folder with reviews in the real file's format, so that no test needs the real one."""
    return small_imdb(tmp_path_factory.mktemp("data"))


@pytest.fixture
def data(request, tmp_path, monkeypatch, name):
    """Where a study finds its data; the options that say so."""
    if name == "distilbert":
        tiny_distilbert(tmp_path / "tiny", [f"word{letter}" for letter in "abcdef"])
    if "imdb" in name or name in ("distilbert", "encoder"):
        return ["--data-dir", str(request.getfixturevalue("reviews"))]
    if name == "wp":
        monkeypatch.setattr(wp, "SIZE", WIKIPEDIA)
        text = random.Random(0).randbytes(WIKIPEDIA)
        (tmp_path / wp.FILE).write_bytes(gzip.compress(text, 1))
        return ["--data-dir", str(tmp_path)]
    return []


def short(file):
    """What makes a study two steps long."""
    if file.model["name"] == "distilbert":
        return SHORT_PRETRAINED
    return SHORT_TEXT if file.is_text else SHORT


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
def test_it_runs(capsys, data, name, path):
    asked = load(path)
    changes = [word for change in short(asked) for word in ("--set", change)]
    out = answered(capsys, "run", name, *ONE, *changes, *data)
    assert "all trials done" in out
    told = json.loads(answered(capsys, "export", name, "--format", "json"))
    (trial,) = told["trials"]
    assert trial["state"] == "complete"
    assert len(trial["epochs"]) == 1
    assert 0.0 <= trial["value"] <= (9.0 if asked.is_text else 1.0)
    changed = override(asked, short(asked))
    model = trial["settings"]["model.name"]
    for key, setting in changed.settings().items():
        assert not applies(key, model) or within(trial["settings"][key], setting)
    assert set(trial["params"]) == {key for key in changed.searched() if applies(key, model)}


@pytest.mark.parametrize("name", ["xor", "synth", "imdb", "toy", "wp"])
def test_the_commands_of_their_own_run_the_files_of_their_name(capsys, data, name):
    changes = [word for change in short(load(find(name))) for word in ("--set", change)]
    assert run([name, *ONE, *changes, *data, "--json"]) == 0
    out, _ = capsys.readouterr()
    assert json.loads(out)["name"] == name


def test_every_question_that_asks_for_tuning_has_its_study():
    asked = {
        *("baseline_xor", "baseline_synth", "baseline_imdb", "positions_xor", "transformer_imdb"),
        *("simple_attention_xor", "simple_attention_synth"),
        *("full_attention_xor", "full_attention_synth", "xor", "synth", "imdb", "toy", "wp"),
    }
    beside = {"bigrams_imdb", "distilbert", "encoder"}
    assert set(shipped()) == asked | beside
