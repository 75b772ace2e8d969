"""A study on text from the first command to the last: killed in the middle of a trial, gone on
with, and looked at."""

import json
import signal
import sqlite3
from contextlib import closing

import pytest

from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning.studies import open_study
from tests.commands import Forked, answered

EVALUATIONS = list(range(1, 13))
STUDY = """
[study]
name = "toy"
trials = 2
seed = 3
sampler = "random"
pruner = "none"
checkpoint = "0.1s"
[data]
name = "toy"
characters = 20_000
max_length = 16
[model]
name = "causal_transformer"
depth = 1
heads = 2
head_width = 4
[optimizer]
lr = { low = 1e-3, high = 1e-1, log = true }
[training]
steps = 360
evaluate_every = 30
batch_size = 4
windows = 50
final_batches = 0
[samples]
length = 24
"""
COMMAND = ("run", "toy.toml", "--workers", "1", "--stack", "1", "--device", "cpu")


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "toy.toml").write_text(STUDY)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


def stored(folder):
    storage = open_storage(f"sqlite:///{folder}/a3b-tune.db")
    try:
        return open_study(storage, "toy").study.get_trials()
    finally:
        storage.engine.dispose()


def checkpointed(folder):
    """Whether a trial has a checkpoint from which it could go on."""
    database = folder / "a3b-tune.db"
    if not database.exists():
        return False
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            (name,) = [name for (name,) in tables if "checkpoint" in name]
            return connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] > 0
        except (sqlite3.OperationalError, ValueError):  # its tables are being made
            return False


def measured(trial):
    """What a trial measured, without the time it took."""
    timed = ("seconds", "evaluation_seconds")
    return [
        {key: value for key, value in epoch.items() if key not in timed}
        for epoch in trial.user_attrs["a3b:epochs"]
    ]


def test_a_study_that_is_killed_ends_as_if_it_had_never_been(here, tmp_path, capsys):
    with Forked(here, *COMMAND) as first:
        first.until(lambda: checkpointed(here))
        first.process.send_signal(signal.SIGKILL)
        assert first.end() == -signal.SIGKILL
    assert any(trial.state.name == "RUNNING" for trial in stored(here))
    with Forked(here, *COMMAND) as second:
        assert second.end() == 0, second.output
    assert "goes on after step" in second.output
    unbroken = tmp_path / "unbroken"
    unbroken.mkdir()
    (unbroken / "toy.toml").write_text(STUDY)
    with Forked(unbroken, *COMMAND) as third:
        assert third.end() == 0, third.output
    for broken, whole in zip(stored(here), stored(unbroken), strict=True):
        assert broken.state.name == "COMPLETE"
        assert broken.params == whole.params
        assert [epoch["epoch"] for epoch in broken.user_attrs["a3b:epochs"]] == EVALUATIONS
        assert measured(broken) == measured(whole)
        assert broken.value == min(broken.intermediate_values.values())
    shown = answered(capsys, "show", "toy")
    assert "Floor: 0.5" in " ".join(shown.split())
    told = json.loads(answered(capsys, "show", "toy", "--json"))
    assert told["best"][0]["value"] == min(trial.value for trial in stored(here))
    samples = answered(capsys, "show", "toy", "--trial", "0", "--samples")
    assert samples.count("sample at step") == len(EVALUATIONS)
