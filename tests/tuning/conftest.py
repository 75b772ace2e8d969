"""Real storages in a fresh folder and small studies on xor."""

from dataclasses import replace

import pytest
import torch

from a3b_tune.data.load import load
from a3b_tune.storage.opening import open_storage
from a3b_tune.storage.verbs import CLAIM, Change
from a3b_tune.study import StudyFile, loads, override
from a3b_tune.training import Prepared
from a3b_tune.tuning import records
from a3b_tune.tuning.loop import Limits, Run
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on

FILE = """
[study]
name = "small"
trials = 4
[data]
name = "xor"
[model]
name = "baseline"
width = { choices = [4, 8] }
pool = { choices = ["mean", "max", "select"] }
[optimizer]
lr = { low = 1e-3, high = 1e-1, log = true }
[training]
epochs = 2
batch_size = 256
"""


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def file() -> StudyFile:
    return loads(FILE, "small.toml")


@pytest.fixture(scope="session")
def xor() -> Prepared:
    return Prepared(load("xor"), torch.device("cpu"))


@pytest.fixture
def stored(url, file, xor) -> StoredStudy:
    return begin_or_go_on(open_storage(url, create=True), file, xor.dataset)


# A worker of this machine whose process is gone, one that is another process now, and one of
# another machine.
DEAD = replace(records.this_worker(), pid=2**22 - 3)
REBORN = replace(records.this_worker(), started=1.0)
ELSEWHERE = replace(records.this_worker(), host="elsewhere", machine="elsewhere", pid=2**22 - 3)


def hold_as(stored, trial, worker) -> None:
    """From now on a trial is another worker's."""
    attrs = {CLAIM: worker.claim(), records.WORKER: worker.to_json()}
    assert stored.storage.write_all([Change(trial.id, trial.claim, attrs=attrs)]) == []
    stored.view.forget(trial.id)


def begin(url, file, xor, *changes) -> StoredStudy:
    return begin_or_go_on(open_storage(url, create=True), override(file, changes), xor.dataset)


def run(stored, prepared, trials, stop=lambda: None, deadline=None, stack="1", fakes=None):
    """Runs to a budget, each trial alone or with learners that are told what happens; why it ended,
    and the events."""
    events = []
    fake = {} if fakes is None else {"open_learner": fakes.open_learner, "sizes": fakes}
    limits = Limits(trials, deadline, stop)
    ending = Run(stored, prepared, limits, events.append, stack=stack, **fake)()
    return ending, events
