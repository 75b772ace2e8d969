"""A real Postgres dies in the middle of a study and comes back: nothing is lost and nobody ends."""

import threading
import time

import pytest
from optuna.trial import TrialState

from a3b_tune.data.load import load
from a3b_tune.errors import InputError
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import loads
from a3b_tune.tuning.events import EpochDone, StorageBack, StorageGone, TrialEnded, WorkerDied
from a3b_tune.tuning.studies import begin_or_go_on
from a3b_tune.workers.team import Job, Team, _joined
from tests.postgres import PASSWORD, stoppable_server

FILE = """
[study]
name = "outage"
trials = 12
sampler = "random"
pruner = "none"
heartbeat = "1s"
[data]
name = "xor"
rows = 640
[model]
name = "baseline"
pool = "select"
width = 4
[optimizer]
lr = { low = 1e-3, high = 1e-1, log = true }
[training]
epochs = 30
batch_size = 32
"""


@pytest.fixture
def database():
    with stoppable_server() as running:
        yield running


def team(stored, notify, patience, stack="1"):
    about = {"url": stored.storage.url, "study": "outage", "device": "cpu", "data_dir": None}
    limits = {"trials": 12, "deadline": None, "stack": stack, "workers": 2}
    job = Job(**about, **limits, patience=patience, wait=True)
    return Team(stored, job, 2, notify)


def begin(url):
    storage = open_storage(url, create=True)
    return begin_or_go_on(storage, loads(FILE, "outage.toml"), load("xor", rows=640))


@pytest.mark.parametrize("stack", ["1", "4"])
def test_workers_outlive_their_database(database, stack):
    """It is gone for longer than two heartbeats, so that all are silent when it is back."""
    events, down = [], threading.Event()

    def outage():
        database.stop()
        end = time.monotonic() + 5.0
        while time.monotonic() < end or not gone():
            time.sleep(0.05)
        database.start()

    def gone():
        return any(isinstance(event, StorageGone) for event in events)

    def notify(event):
        events.append(event)
        if isinstance(event, EpochDone) and not down.is_set():
            down.set()
            threading.Thread(target=outage).start()

    stored = begin(database.url)
    assert team(stored, notify, 120.0, stack)(lambda: None) == "trials"
    assert not [event for event in events if isinstance(event, WorkerDied)]
    assert [event for event in events if isinstance(event, StorageBack)]
    trials = stored.study.trials
    assert [trial.number for trial in trials] == list(range(12))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert all(sorted(trial.intermediate_values) == list(range(1, 31)) for trial in trials)
    ended = sorted(event.number for event in events if isinstance(event, TrialEnded))
    assert ended == list(range(12))
    assert PASSWORD not in str(events)


def test_a_database_that_does_not_come_back_ends_the_run_in_one_line(database):
    stopped = threading.Event()

    def notify(event):
        if isinstance(event, EpochDone) and not stopped.is_set():
            stopped.set()
            database.stop()

    stored = begin(database.url)
    with pytest.raises(InputError, match="the storage failed") as error:
        team(stored, notify, 1.0)(lambda: None)
    assert "\n" not in str(error.value)
    assert PASSWORD not in str(error.value)


def test_a_worker_that_starts_in_an_outage_tells_it_as_the_others_do(database):
    """It was begun to take another one's place, say: its storage had been there."""
    begin(database.url)
    database.stop()
    job = Job(
        url=database.url, study="outage", device="cpu", data_dir=None, trials=12, deadline=None,
        stack="1", workers=2, patience=0.5, wait=True,
    )  # fmt: skip
    with pytest.raises(InputError, match="the storage failed") as error:
        _joined(job, lambda: False)
    assert "\n" not in str(error.value) and PASSWORD not in str(error.value)
