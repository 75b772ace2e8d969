"""Real storages in a fresh folder and small studies on xor."""

from dataclasses import replace

import pytest
import torch

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.load import load
from a3b_tune.data.text import Floor, Text
from a3b_tune.storage.opening import open_storage
from a3b_tune.storage.verbs import CLAIM, Change
from a3b_tune.study import StudyFile, loads, override
from a3b_tune.training import Prepared
from a3b_tune.tuning import records, showing
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


TEXT_FILE = """
[study]
name = "letters"
trials = 4
pruner = "none"
sampler = "random"
[data]
name = "toy"
max_length = 8
[model]
name = "causal_transformer"
head_width = { choices = [4, 8] }
[optimizer]
lr = { low = 1e-4, high = 1e-1, log = true }
[training]
steps = 30
evaluate_every = 10
batch_size = 4
windows = 10
final_batches = 2
[samples]
length = 12
seed_length = 4
"""


def short_text(length: int = 200, known: bool = True) -> Text:
    """A text of three parts of one length; of a known source where it is."""
    alphabet = Alphabet.of_counts("abc ")
    part = alphabet.encode(("abc " * length)[:length])
    about = {"ideal": torch.ones(length), "measure": lambda: Floor(0.548, 0.001)} if known else {}
    return Text("toy", part, part.roll(1), part.roll(2), alphabet, **about)


@pytest.fixture(scope="session")
def letters() -> Prepared:
    return Prepared(short_text(), torch.device("cpu"))


def begin_text(url, letters, *changes) -> StoredStudy:
    file = override(loads(TEXT_FILE, "letters.toml"), changes)
    return begin_or_go_on(open_storage(url, create=True), file, letters.dataset)


@pytest.fixture
def no_pictures(monkeypatch):
    """For tests of other things: a picture takes longer than all else."""
    monkeypatch.setattr(showing, "curves_png", lambda *epochs, **how: b"a picture")


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
