"""Real storages in a fresh folder and small studies on xor."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
import torch

from a3b_tune.data.load import load
from a3b_tune.study import StudyFile, loads, override
from a3b_tune.training import Prepared
from a3b_tune.tuning.loop import Limits, Run
from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on
from tests.postgres import server

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
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/studies.db"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with server() as address:
        yield address


@pytest.fixture
def new_database(postgres: str) -> Iterator[str]:
    """The URL of an empty database on the real Postgres."""
    name = f"test_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(
        postgres.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    engine.dispose()
    yield postgres.rsplit("/", 1)[0] + f"/{name}"


def of_each_kind(request: pytest.FixtureRequest) -> str:
    """The URL for a test that runs on SQLite and on Postgres."""
    found: str = request.getfixturevalue("url" if request.param == "sqlite" else "new_database")
    return found


@pytest.fixture
def stored(url, file, xor) -> StoredStudy:
    return begin_or_go_on(open_storage(url, create=True), file, xor.dataset)


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
