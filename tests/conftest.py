"""What every test shares: one thread, as a run has, and nothing of the person's own: no storage, no
data, no cache."""

import os
from functools import cache
from multiprocessing import forkserver

import pytest
import torch
from optuna.storages._rdb import storage

from a3b_tune.data import synth, xor
from a3b_tune.workers import LIBRARIES
from tests.databases import new_database, postgres, url

__all__ = ["new_database", "postgres", "url"]


# What a person may have set for the command.
PERSONS = (
    "A3B_TUNE_STORAGE",
    "A3B_TUNE_STORAGE_FILE",
    "A3B_TUNE_TOKEN",
    "A3B_TUNE_TOKEN_FILE",
    "A3B_TUNE_DATA",
    "A3B_TUNE_ARTIFACTS",
)


def pytest_configure() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def cache_of_tests(tmp_path_factory):
    """A user's cache for all tests of a process: what was measured once need not be again. What
    was compiled is shared by all processes: they start with the same compiler's work."""
    cache = tmp_path_factory.mktemp("user-cache")
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "native"
    shared.mkdir(exist_ok=True)
    (cache / "a3b-tune").mkdir()
    (cache / "a3b-tune" / "native").symlink_to(shared)
    return cache


@pytest.fixture(autouse=True, scope="session")
def made_once():
    """What many tests ask for and nobody changes: the rows of a seed, Optuna's migrations (ten
    files that it reads for whoever opens a storage), and the imports of processes."""
    manager = storage._VersionManager
    read = manager._create_alembic_script
    known = []

    def migrations(self):
        if not known:
            known.append(read(self))
        return known[0]

    # One server forks the processes of all tests, whoever starts it. A learner without company
    # imports the last one at its first step.
    prepare = forkserver.set_forkserver_preload
    everything = ["__main__", *LIBRARIES, "a3b_tune.cli.running", "a3b_tune.finals.processes"]
    everything.append("torch._dynamo")
    prepare(everything)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forkserver, "set_forkserver_preload", lambda modules: prepare(everything))
        patch.setattr(manager, "_create_alembic_script", migrations)
        for drawn in (xor, synth):
            patch.setattr(drawn, "_parts", cache(drawn._parts))
        yield


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, cache_of_tests):
    """A test never reads or writes the studies, data and cache of the person who runs it; nor does
    a command that it starts."""
    for name in PERSONS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_of_tests))
