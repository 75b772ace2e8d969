"""DistilBERT as a person tunes it: by the command, interrupted, gone on with; and every mistake."""

import random
import signal
import sys

import pytest

from a3b_tune.cli.app import run
from a3b_tune.storage.opening import open_storage
from a3b_tune.training import PlainLearner
from a3b_tune.tuning.studies import open_study
from tests.commands import answered, contents, refused
from tests.pretrained import tiny_distilbert

STUDY = """
[study]
name = "tiny"
trials = 4
pruner = { name = "percentile", percentile = 25.0, startup_trials = 1 }
sampler = "grid"

[data]
name = "table"
path = "reviews.csv"
max_length = 32

[model]
name = "distilbert"
checkpoint = "tiny"
freeze = { choices = [true, false] }
dropout = 0.1

# Who learns next to nothing is far behind, whatever a machine makes of the last digits.
[optimizer]
name = "adamw"
lr = { choices = [1e-9, 3e-3] }

[training]
epochs = 3
batch_size = 16
schedule = "linear"
"""
WORDS = ("this", "movie", "was", "not", "very", "great", "terrible", "becomes", "iconic")
ALONE = ["run", "mine.toml", "--workers", "1"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a study, its data and its weights."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    draw = random.Random(0)
    sides = [("good", WORDS[:5]), ("bad", WORDS[5:])] * 60
    lines = [f"{side},{' '.join(draw.choices(words, k=6))}" for side, words in sides]
    (tmp_path / "reviews.csv").write_text("\n".join(["label,text", *lines]))
    (tmp_path / "mine.toml").write_text(STUDY)
    return tmp_path


def trials(url):
    """What each trial of the study came to: state, settings, and its epochs but for their times."""
    storage = open_storage(url)
    try:
        found = open_study(storage, "tiny").study.get_trials()
    finally:
        storage.engine.dispose()
    told = ("epoch", "loss", "accuracy", "validation_loss", "gradient_norm", "lr")
    return [
        (t.state.name, t.params, [[e[k] for k in told] for e in t.user_attrs["a3b:epochs"]])
        for t in found
    ]


def test_a_study_that_is_stopped_ends_as_an_unbroken_one(here, capsys, monkeypatch):
    tiny_distilbert(here / "tiny", WORDS)
    out = answered(capsys, *ALONE, "--storage", "sqlite:///whole.db")
    assert "all trials done" in out
    whole = trials("sqlite:///whole.db")
    assert {params["model.freeze"] for _, params, _ in whole} == {True, False}
    assert {state for state, _, _ in whole} == {"COMPLETE", "PRUNED"}

    epoch, begun = PlainLearner.epoch, []

    def interrupted(learner):
        begun.append(learner)
        if len(begun) in (3, 4):
            signal.raise_signal(signal.SIGINT)
        return epoch(learner)

    monkeypatch.setattr(PlainLearner, "epoch", interrupted)
    broken = ["--storage", "sqlite:///broken.db"]
    codes = [run([*ALONE, *broken]) for _ in range(3)]
    assert codes == [130, 130, 0]
    assert trials("sqlite:///broken.db") == whole
    capsys.readouterr()
    shown = answered(capsys, "show", "tiny", "--trial", "0", *broken)
    assert "checkpoint" in shown
    assert "validation loss after the last epoch: 0." in shown


def test_what_is_missing_is_one_line_and_leaves_nothing(here, capsys, monkeypatch):
    before = contents(here)
    told = "model.checkpoint: './tiny': no such folder"
    assert refused(capsys, *ALONE, "--set", "model.checkpoint=./tiny") == f"a3b-tune: {told}"
    long = refused(capsys, *ALONE, "--set", "model.dropout=1.5")
    assert "model distilbert: dropout 1.5 is not in [0, 1)" in long
    sparse = refused(capsys, *ALONE, "--set", "optimizer.name=sparse_adam")
    assert "distilbert has none; did you mean 'adam'?" in sparse
    text = refused(capsys, "run", "toy", "--model", "distilbert")
    assert "model.name: 'distilbert' does not read a text" in text
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert refused(capsys, *ALONE) == (
        "a3b-tune: model distilbert: needs the pretrained extra: pip install 'a3b-tune[pretrained]'"
    )
    assert contents(here) == before
