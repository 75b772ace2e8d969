"""Workers join a study from elsewhere: real processes, real signals, one database."""

import json
import re
import signal
from pathlib import Path

import optuna
import pytest

from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning.studies import go_on
from tests.commands import SMALL, Forked, Running, answered, refused, trials_begun
from tests.postgres import PASSWORD
from tests.tuning.conftest import DEAD, ELSEWHERE

NAME = "baseline_xor"
STUDY = [*SMALL, "--set", "training.epochs=3", "--set", "study.heartbeat=1s"]
LONG = [*STUDY[:-4], "--set", "training.epochs=4000", "--set", "study.heartbeat=1s"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def database(here):
    return here / "a3b-tune.db"


def stored():
    return go_on(open_storage(create=True), NAME)


def states():
    return [trial.state.name for trial in stored().study.trials]


def test_workers_from_elsewhere_share_the_trials_and_meet_the_budget(here, database, capsys):
    answered(capsys, *STUDY, "--trials", "1")
    study = stored().study
    study.set_user_attr(
        "a3b:file", study.user_attrs["a3b:file"].replace('"trials": 1', '"trials": 9')
    )
    joined = ["worker", NAME, "--workers", "1", "--stack", "2"]
    with Forked(here, *joined) as one, Forked(here, *joined) as two:
        assert (one.end(), two.end()) == (0, 0)
    assert "all trials done" in one.output
    assert "all trials done" in two.output
    assert states() == ["COMPLETE"] * 9


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGUSR1, 138, "SIGUSR1"), (signal.SIGINT, 130, "C")],
)
def test_a_signal_makes_a_worker_hand_its_trials_back_with_checkpoints(
    here, database, capsys, number, code, reason
):
    with Forked(here, *LONG, "--trials", "2", "--stack", "2") as begun:
        begun.until(lambda: len(trials_begun(database)) == 2)
        begun.process.send_signal(signal.SIGTERM)
        assert begun.end() == 143
    with Forked(here, "worker", NAME, "--workers", "1", "--stack", "2") as worker:
        worker.until(lambda: len(trials_begun(database)) == 2)
        worker.until(lambda: all(trial.intermediate_values for trial in stored().study.trials))
        worker.process.send_signal(number)
        assert worker.end() == code
    trials = stored().study.trials
    assert [trial.state.name for trial in trials] == ["WAITING"] * 2
    kept = stored().storage.load_checkpoints([trial._trial_id for trial in trials])
    assert len(kept) == 2
    for trial in trials:
        steps = sorted(trial.intermediate_values)
        assert steps == list(range(1, kept[trial._trial_id].step + 1))
        assert reason in trial.user_attrs["a3b:reason"]


def test_a_worker_that_was_taken_for_dead_drops_its_trial_when_it_wakes(here, database):
    """Its process is stopped for longer than two heartbeats; another one runs the trial."""
    middling = [*STUDY[:-4], "--set", "training.epochs=40", "--set", "study.heartbeat=1s"]
    with Forked(here, *middling, "--trials", "1", "--stack", "1") as slow:
        slow.until(lambda: trials_begun(database) == [0])
        slow.process.send_signal(signal.SIGSTOP)
        with Forked(here, "worker", NAME, "--workers", "1", "--stack", "1") as other:
            assert other.end() == 0
        (trial,) = stored().study.trials
        assert trial.state.name == "COMPLETE"
        (note,) = trial.user_attrs["a3b:interrupted"]
        assert re.search(r"worker \d+ on .* hung: silent for \d+ s", note["reason"])
        slow.process.send_signal(signal.SIGCONT)
        assert slow.end() == 0
    assert "another worker has it" in slow.output
    assert stored().study.trials == [trial]
    assert sorted(trial.intermediate_values) == list(range(1, 41))


def test_what_a_dead_worker_had_is_given_back_by_reap(here, database, capsys):
    answered(capsys, *STUDY, "--trials", "1")
    study = stored()
    study.storage.create_within(study.id, 3, DEAD.claim(), {"a3b:worker": DEAD.to_json()}, 1)
    study.storage.create_within(study.id, 3, ELSEWHERE.claim(), {}, 1)
    told = json.loads(answered(capsys, "reap", NAME, "--json"))
    assert [(one["number"], one["failed"]) for one in told] == [(1, False), (2, False)]
    assert "died" in told[0]["reason"]
    assert "silent for" in told[1]["reason"]
    assert states() == ["COMPLETE", "WAITING", "WAITING"]
    assert "no trial of baseline_xor is lost" in answered(capsys, "reap")


def test_a_worker_of_a_study_that_is_not_there_says_which_are(here, capsys):
    answered(capsys, *STUDY, "--trials", "1")
    assert "did you mean 'baseline_xor'" in refused(capsys, "worker", "baseline_xo")
    assert "--patience soon" in refused(capsys, "worker", NAME, "--patience", "soon")


def test_the_budget_of_device_time_ends_the_run_and_the_study_goes_on_with_more(here, capsys):
    budget = ["--trials", "2", "--budget", "0.01cpu-m"]
    out = answered(capsys, *LONG, *budget, "--stack", "1")
    assert "the budget is spent" in out
    assert states() == ["WAITING"]
    assert "like 6gpu-h or 90cpu-m, not '3h'" in refused(capsys, *LONG, "--budget", "3h")


def test_no_password_is_seen_in_the_list_of_processes_nor_in_what_is_printed(here, new_database):
    url = new_database
    with Running(here, *LONG, "--trials", "2", "--storage", url) as running:
        shown = f"{url.replace(PASSWORD, '***')}"
        running.until(lambda: shown in title(running.process.pid))
        assert PASSWORD not in title(running.process.pid)
        running.until(lambda: any(trial.user_attrs for trial in trials_of(url)))
        running.process.send_signal(signal.SIGTERM)
        assert running.end() == 143
    assert PASSWORD not in running.output
    for trial in trials_of(url):
        assert PASSWORD not in str(trial)


def title(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text()


def trials_of(url):
    opened = open_storage(url, create=True)
    names = optuna.get_all_study_names(opened)
    return go_on(opened, names[0]).study.trials if names else []
