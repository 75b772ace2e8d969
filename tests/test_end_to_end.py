"""A study from the first command to the last, with what happens to it in between: killed, stopped,
stopped twice, shared. Each command is a process of its own on one SQLite file; one of them is the
installed one.

Nothing waits for a time to pass: a test looks into the storage until it sees what it waits for.
"""

import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from a3b_tune.cli.app import run
from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning import records
from a3b_tune.tuning.studies import open_study
from tests.commands import PATIENCE, SMALL, Forked, Running, trials_begun

# Trials of about a second, so that one can be met in its middle.
STUDY = [*SMALL, "--set", "data.rows=10000", "--set", "training.epochs=12"]
EPOCHS = list(range(1, 13))


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


@pytest.fixture
def database(here):
    return here / "a3b-tune.db"


def stored():
    """The trials of the study, from the storage."""
    storage = open_storage()
    try:
        return open_study(storage, "baseline_xor").study.get_trials()
    finally:
        storage.engine.dispose()


def states(trials):
    return [trial.state.name for trial in trials]


def ended_in(output):
    """The numbers of the trials that a run says it has ended."""
    return [int(number) for number in re.findall(r"✓ trial (\d+)", output)]


def assert_whole(trials, budget):
    """The budget is met exactly, and each trial was trained from its first epoch to its last."""
    assert [trial.number for trial in trials] == list(range(budget))
    assert states(trials) == ["COMPLETE"] * budget
    for trial in trials:
        assert sorted(trial.intermediate_values) == EPOCHS
        assert [epoch["epoch"] for epoch in trial.user_attrs["a3b:epochs"]] == EPOCHS
        assert trial.value == max(trial.intermediate_values.values())


def wait_for_orphans():
    """Workers whose first process is gone end their epoch and put their trials back."""
    deadline = time.monotonic() + PATIENCE
    while not all(records.is_dead(trial.user_attrs["a3b:worker"]) for trial in stored()):
        assert time.monotonic() < deadline


@pytest.mark.parametrize(("workers", "slots"), [(1, 1), (1, 3), (2, 3)])
def test_a_study_that_is_killed_goes_on_where_it_was(here, database, workers, slots):
    """Killed while trials run that took the slots of others: all that ran at once go back."""
    at_once, budget = workers * slots, workers * slots + 3
    command = [*STUDY, "--trials", str(budget), "--workers", str(workers), "--stack", str(slots)]
    with (Running if workers == 2 else Forked)(here, *command) as first:
        first.until(
            lambda: ended_in(first.output) and max(trials_begun(database), default=0) >= at_once
        )
        first.process.send_signal(signal.SIGKILL)
        assert first.end() == -signal.SIGKILL
    wait_for_orphans()
    before = stored()
    done = {trial.number: trial for trial in before if trial.state.name == "COMPLETE"}
    lost = {trial.number: trial for trial in before if trial.number not in done}
    assert done
    assert len(lost) >= min(slots, 2)
    with Forked(here, *command) as second:
        assert second.end() == 0
    trials = stored()
    assert_whole(trials, budget)
    assert sorted(ended_in(second.output)) == [n for n in range(budget) if n not in done]
    for number, trial in done.items():
        assert trials[number] == trial
    for number, trial in lost.items():
        assert not trial.params or trials[number].params == trial.params
        workers_of = [each.user_attrs["a3b:worker"] for each in (trial, trials[number])]
        assert workers_of[0] != workers_of[1]


@pytest.mark.parametrize("slots", [1, 3])
def test_ctrl_c_puts_the_trials_back_and_the_same_command_finishes_them(here, database, slots):
    command = [*STUDY, "--trials", str(slots + 1), "--stack", str(slots)]
    with Forked(here, *command) as first:
        first.until(lambda: len(trials_begun(database)) == slots)
        first.process.send_signal(signal.SIGINT)
        assert first.end() == 130
    assert "running trials go back to the queue; once more ends at once" in first.output
    assert "stopped by Ctrl-C" in first.output
    assert "Traceback" not in first.output
    waiting = stored()
    assert states(waiting) == ["WAITING"] * slots
    for trial in waiting:
        # What it had done it will go on from.
        assert sorted(trial.intermediate_values) == EPOCHS[: len(trial.intermediate_values)]
        assert trial.user_attrs["a3b:reason"] == "put back: Ctrl-C"
    again = re.search(r"more trials +a3b-tune (run .*)", first.output)
    assert again.group(1).startswith(f"run baseline_xor --trials {slots + 1} ")
    with Forked(here, *command) as second:
        assert second.end() == 0
    trials = stored()
    assert_whole(trials, slots + 1)
    for before, after in zip(waiting, trials, strict=False):
        assert after.params == before.params
        assert after.user_attrs["a3b:reason"] is None


def test_a_second_ctrl_c_ends_at_once_even_while_the_database_is_locked(here, database, capsys):
    command = [*STUDY, "--trials", "3", "--stack", "2"]
    with (
        Forked(here, *command) as running,
        closing(sqlite3.connect(database, isolation_level=None)) as other,
    ):
        running.until(lambda: len(trials_begun(database)) == 2)
        other.execute("BEGIN IMMEDIATE")
        while running.process.poll() is None:
            # The trials cannot be put back, so the first does not end it; two may count as one.
            running.process.send_signal(signal.SIGINT)
            try:
                running.process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                assert states(stored()) == ["RUNNING"] * 2
        assert running.process.returncode == 130
    assert "Traceback" not in running.output
    assert states(stored()) == ["RUNNING"] * 2
    assert run(["studies"]) == 0
    assert "2 lost" in capsys.readouterr().out


def test_two_commands_at_once_share_one_study_and_meet_its_budget(here):
    command = [*STUDY, "--trials", "4"]
    with Forked(here, *command) as one, Forked(here, *command) as other:
        assert (one.end(), other.end()) == (0, 0)
    trials = stored()
    assert_whole(trials, 4)
    # A command tells of the other's trials too, where it hears of them in time; of none twice.
    told = [ended_in(running.output) for running in (one, other)]
    assert all(len(set(ended)) == len(ended) for ended in told)
    assert sorted({*told[0], *told[1]}) == [0, 1, 2, 3]
    pids = {one.process.pid: one, other.process.pid: other}
    for trial in trials:
        assert trial.number in ended_in(pids[trial.user_attrs["a3b:worker"]["pid"]].output)
