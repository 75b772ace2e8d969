"""Real worker processes on a real SQLite file."""

import psutil
import pytest
from optuna.trial import TrialState

from a3b_tune.data.load import load
from a3b_tune.errors import InputError
from a3b_tune.starting import context
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import loads
from a3b_tune.tuning import records
from a3b_tune.tuning.events import EpochDone, LostFound, TrialEnded, WorkerDied
from a3b_tune.tuning.loop import BrokenRun
from a3b_tune.tuning.studies import begin_or_go_on, go_on
from a3b_tune.workers import team as workers
from a3b_tune.workers.team import Job, Team, worker_count
from tests.commands import PATIENCE

# A baseline that reads the first word alone never reaches 1.0: each trial runs its epochs.
FILE = """
[study]
name = "team"
trials = 6
pruner = "none"
[data]
name = "xor"
[model]
name = "baseline"
pool = "select"
width = 4
[optimizer]
lr = { low = 1e-3, high = 1e-1, log = true }
[training]
epochs = 3
batch_size = 128
"""


@pytest.fixture
def stored(tmp_path):
    storage = open_storage(f"sqlite:///{tmp_path}/team.db", create=True)
    return begin_or_go_on(storage, loads(FILE, "team.toml"), load("xor"))


def team(stored, notify, trials=6, count=2, **changes):
    about = {
        "url": stored.storage.url,
        "study": "team",
        "device": "cpu",
        "data_dir": None,
        "trials": trials,
        "deadline": None,
        "stack": "1",
        "workers": count,
    }
    return Team(stored, Job(**{**about, **changes}), count, notify)


def never():
    return None


def test_two_workers_meet_the_budget_and_each_runs_some(stored):
    events = []
    assert team(stored, events.append)(never) == "trials"
    trials = stored.study.trials
    assert [trial.number for trial in trials] == list(range(6))
    assert all(trial.state == TrialState.COMPLETE for trial in trials)
    assert len({trial.user_attrs[records.WORKER]["pid"] for trial in trials}) == 2
    ended = sorted(event.number for event in events if isinstance(event, TrialEnded))
    assert ended == list(range(6))


def held_by(stored, worker):
    """The numbers of the trials that a worker runs."""
    running = [trial for trial in stored.study.trials if trial.state == TrialState.RUNNING]
    return {trial.number for trial in running if trial.user_attrs[records.WORKER] == worker}


@pytest.mark.parametrize("stack", ["1", "3"])
def test_a_killed_worker_loses_no_trial_and_another_takes_its_place(stored, stack):
    """However many trials it trained at once."""
    events, killed = [], []

    def notify(event):
        events.append(event)
        if isinstance(event, EpochDone) and not killed:
            worker = stored.study.trials[event.number].user_attrs[records.WORKER]
            psutil.Process(worker["pid"]).kill()
            while not records.is_dead(worker):
                pass
            killed.append((worker["pid"], held_by(stored, worker)))

    assert team(stored, notify, stack=stack)(never) == "trials"
    died = [event for event in events if isinstance(event, WorkerDied)]
    assert [(event.pid, event.how, event.replaced) for event in died] == [
        (killed[0][0], "was ended by SIGKILL", True)
    ]
    trials = stored.study.trials
    assert len(trials) == 6
    assert all(trial.state == TrialState.COMPLETE for trial in trials)
    assert all(sorted(trial.intermediate_values) == [1, 2, 3] for trial in trials)
    lost = [number for event in events if isinstance(event, LostFound) for number in event.numbers]
    assert set(lost) >= killed[0][1]


def test_stopping_puts_every_running_trial_back(stored):
    events = []

    def stop():
        return "Ctrl-C" if any(isinstance(event, EpochDone) for event in events) else None

    assert team(stored, events.append, trials=50)(stop) == "Ctrl-C"
    states = {trial.state for trial in stored.study.trials}
    assert TrialState.RUNNING not in states
    back = [
        event for event in events if isinstance(event, TrialEnded) and event.state == "put back"
    ]
    assert back
    assert team(stored, lambda event: None)(never) == "trials"
    assert all(trial.state == TrialState.COMPLETE for trial in stored.study.trials[:6])


def test_a_worker_that_cannot_begin_ends_the_run_with_its_own_words(stored):
    with pytest.raises(InputError, match="unknown study 'teem'; did you mean 'team'"):
        team(stored, lambda event: None, study="teem")(never)


def workers_alive():
    """The worker processes below this one, by the name that they give themselves."""
    below = psutil.Process().children(recursive=True)
    alive = [process for process in below if process.status() != psutil.STATUS_ZOMBIE]
    return [process for process in alive if "a3b-tune: worker" in " ".join(process.cmdline())]


def test_workers_that_die_again_and_again_end_the_run(stored, monkeypatch):
    monkeypatch.setattr(workers, "RESTARTS", 1)

    def kill_all(event):
        if isinstance(event, EpochDone):
            for child in workers_alive():
                child.kill()

    with pytest.raises(BrokenRun, match="every worker died; the last was ended by SIGKILL"):
        team(stored, kill_all, trials=50)(never)
    assert TrialState.RUNNING not in {trial.state for trial in stored.study.trials}


def lead(url):
    """A first process, which will be killed."""
    team(go_on(open_storage(url), "team"), lambda event: None, trials=500)(never)


def test_workers_whose_first_process_is_killed_put_their_trials_back_and_end(stored):
    first = context.Process(target=lead, args=(stored.storage.url,))
    first.start()
    held = {}
    while len(held) < 2:
        first.join(0.05)
        assert first.is_alive()
        running = [t for t in stored.study.trials if t.state == TrialState.RUNNING]
        held = {t.user_attrs[records.WORKER]["pid"]: t.number for t in running}
    workers = [psutil.Process(pid) for pid in held]
    first.kill()
    first.join()
    _, left = psutil.wait_procs(workers, timeout=PATIENCE)
    assert left == []
    assert workers_alive() == []
    states = {trial.state for trial in stored.study.trials}
    assert states <= {TrialState.COMPLETE, TrialState.WAITING}
    assert TrialState.WAITING in states


@pytest.mark.parametrize(
    ("asked", "cores", "trials", "count"),
    [("auto", 2, 99, 2), ("auto", 64, 99, 16), ("auto", 8, 3, 3), ("5", 2, 99, 5), ("5", 2, 0, 1)],
)
def test_how_many_workers(asked, cores, trials, count):
    assert worker_count(asked, cores, trials) == count


@pytest.mark.parametrize("asked", ["0", "-1", "many", "1.5", ""])
def test_a_number_of_workers_that_cannot_be(asked):
    with pytest.raises(InputError, match="neither auto nor a whole number"):
        worker_count(asked, 2, 9)


def test_workers_with_stacks_share_the_budget_and_say_where_their_time_went(stored):
    assert team(stored, lambda event: None, trials=12, stack="4")(never) == "trials"
    trials = stored.study.trials
    assert len(trials) == 12
    assert all(trial.state == TrialState.COMPLETE for trial in trials)
    accounts = [v for k, v in stored.study.user_attrs.items() if k.startswith(records.WORK_PREFIX)]
    assert sum(account["trials"] for account in accounts) == 12
    pids = {trial.user_attrs[records.WORKER]["pid"] for trial in trials}
    assert pids <= {account["pid"] for account in accounts}


def test_no_worker_is_left_behind(stored):
    team(stored, lambda event: None, trials=2)(never)
    assert workers_alive() == []
