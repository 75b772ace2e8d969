"""Checkpoints: small ones in the database, large ones in files; one that fails costs no trial."""

import pytest

from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.tuning import checkpointing
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.checkpointing import Checkpoints
from a3b_tune.tuning.trials import put_back_all, write_all


@pytest.fixture
def told():
    return []


@pytest.fixture
def checkpoints(stored, told):
    return Checkpoints(stored, told.append)


def files(stored):
    folder = artifact_folder(stored.storage.url) / "checkpoints"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def running(stored, epochs=2):
    trial = ask(stored, 9, {})
    for epoch in range(1, epochs + 1):
        trial.report(0.5, {"epoch": epoch})
    write_all([trial])
    return trial


@pytest.mark.parametrize("most", [1_000, 3], ids=["in the database", "in a file"])
def test_the_newest_is_read_again_by_whoever_runs_the_trial_next(
    stored, checkpoints, monkeypatch, most
):
    monkeypatch.setattr(checkpointing, "IN_DATABASE", most)
    trial = running(stored)
    checkpoints.keep([(trial, 1, b"first")])
    checkpoints.keep([(trial, 2, b"second")])
    assert len(files(stored)) == (most == 3)
    put_back_all(stored, [trial], "SIGTERM")
    found = Checkpoints(stored, print).load([trial.id])
    assert (found[trial.id].step, found[trial.id].data) == (2, b"second")


def test_a_file_that_another_machine_has_is_no_checkpoint_here(stored, checkpoints, monkeypatch):
    monkeypatch.setattr(checkpointing, "IN_DATABASE", 3)
    trial = running(stored)
    checkpoints.keep([(trial, 2, b"second")])
    (path,) = files(stored)
    path.unlink()
    assert checkpoints.load([trial.id]) == {}


def test_none_is_left_when_the_trial_has_ended(stored, checkpoints, monkeypatch):
    monkeypatch.setattr(checkpointing, "IN_DATABASE", 3)
    trial = running(stored)
    checkpoints.keep([(trial, 2, b"second")])
    trial.complete()
    write_all([trial])
    checkpoints.forget([trial])
    assert files(stored) == []
    assert stored.storage.load_checkpoints([trial.id]) == {}


def test_one_that_cannot_be_kept_is_told_and_costs_nothing_else(
    stored, checkpoints, monkeypatch, told
):
    monkeypatch.setattr(checkpointing, "IN_DATABASE", 3)
    artifact_folder(stored.storage.url).write_text("a file where a folder should be")
    trial = running(stored)
    checkpoints.keep([(trial, 2, b"second")])
    assert len(told) == 1
    assert "checkpoints cannot be kept" in told[0]
    assert checkpoints.load([trial.id]) == {}


def test_one_is_due_when_the_last_is_long_enough_ago(stored, checkpoints, monkeypatch):
    trial = running(stored)
    assert checkpoints.due([trial]) == []
    checkpoints._interval = 0.0
    assert checkpoints.due([trial]) == [trial]


def test_a_trial_goes_on_after_its_checkpoint_with_the_reports_up_to_it(stored, checkpoints):
    trial = running(stored, epochs=3)
    checkpoints.keep([(trial, 2, b"second")])
    put_back_all(stored, [trial], "SIGTERM")
    from a3b_tune.tuning.asking import Queue

    again = Queue(stored, 9, {}, saved=checkpoints.load).leader()
    assert again.number == trial.number
    assert again.saved.data == b"second"
    assert sorted(again.values) == [1, 2]
    assert [epoch["epoch"] for epoch in again.epochs] == [1, 2]
    assert stored.storage.get_trial(again.id).intermediate_values == {1: 0.5, 2: 0.5}


def test_a_checkpoint_ahead_of_the_reports_is_not_used(stored, checkpoints):
    """Its worker died between the two: the epochs between would be missing for ever."""
    trial = running(stored, epochs=1)
    checkpoints.keep([(trial, 2, b"second")])
    put_back_all(stored, [trial], "SIGTERM")
    from a3b_tune.tuning.asking import Queue

    again = Queue(stored, 9, {}, saved=checkpoints.load).leader()
    assert again.saved is None
    assert again.values == {}
    assert stored.storage.get_trial(again.id).intermediate_values == {}
