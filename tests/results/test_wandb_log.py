"""What is written for Weights & Biases: with the real package, which here never asks a server."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("wandb", reason="wandb is an extra")

from a3b_tune.errors import InputError
from a3b_tune.results import wandb_log
from a3b_tune.results.wandb_log import WandBLog, check_wandb
from a3b_tune.study import load
from a3b_tune.study.catalogue import find
from a3b_tune.training.learner import Epoch, Look
from a3b_tune.tuning.events import EpochDone, TrialEnded, TrialStarted

SECRET = "s3cret-of-mine"
# In a process of its own: its command line and environment hold a secret.
SEARCH = """
import sys
from a3b_tune.results.wandb_log import WandBLog, check_wandb
from tests.results.test_wandb_log import tell, toy_file
check_wandb("demo")
log = WandBLog("demo", toy_file(), lambda line: sys.exit(line))
for number in range(2):
    tell(log, number)
log.close()
"""


def toy_file():
    return load(find("toy"))


def tell(log, number, epochs=2, state="complete"):
    log(TrialStarted(number, {"optimizer.lr": 0.00321, "model.heads": 4}, {}, None, 1))
    for n in range(1, epochs + 1):
        looks = (Look(250 * n - 125, 1.0, 0.5, 1e-3), Look(250 * n, 0.9, 0.5, 1e-3))
        scores = {"bits_all": 1.5, "excess": 0.25}
        log(
            EpochDone(
                number, epochs, Epoch(n, 1.0, 0.75, 1.0, 1e-3, 1.0, 0.1, scores, looks, "a <b>")
            )
        )
    log(TrialEnded(number, state, 0.75, 1, None))


def records(folder):
    """What the files of each run hold, by the run's name."""
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore

    found = {}
    for path in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        store = DataStore()
        store.open_for_scan(str(path))
        told = []
        while (data := store.scan_data()) is not None:
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            told.append(record)
        (name,) = {
            record.run.display_name for record in told if record.WhichOneof("record_type") == "run"
        }
        found[name] = told
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wandb")
    # No server can be asked: whatever tries to fails.
    closed = {"WANDB_BASE_URL": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    world = {**os.environ, **closed, "WANDB_MODE": "offline", "MY_TOKEN": SECRET}
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", SEARCH, "--storage", f"postgresql://me:{SECRET}@host/x"],
        cwd=folder,
        env={**world, "PYTHONPATH": str(root)},
        check=True,
        timeout=120,
    )
    return folder


def test_each_trial_is_a_run_of_its_study(written):
    found = records(written)
    assert sorted(found) == ["trial-0000", "trial-0001"]
    for told in found.values():
        run = next(record.run for record in told if record.WhichOneof("record_type") == "run")
        assert (run.project, run.run_group) == ("demo", "toy")
        config = {item.key: json.loads(item.value_json) for item in run.config.update}
        assert config["optimizer.lr"] == 0.00321


def test_its_curves_are_there_by_step(written):
    for told in records(written).values():
        history = [
            record.history for record in told if record.WhichOneof("record_type") == "history"
        ]
        rows = [
            {
                ".".join([item.key, *item.nested_key]).strip("."): json.loads(item.value_json)
                for item in row.item
            }
            for row in history
        ]
        by_step = {row["_step"]: row for row in rows}
        assert sorted(by_step) == [125, 250, 375, 500]
        assert by_step[500]["bits"] == 0.75
        assert by_step[500]["excess"] == 0.25
        assert by_step[125]["loss"] == 1.0


def test_no_secret_is_in_any_file(written):
    files = [path for path in written.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("project", ["", " ", "a/b", "what?"])
def test_a_project_without_a_proper_name_is_refused(project):
    with pytest.raises(InputError, match="--wandb"):
        check_wandb(project)


def test_who_is_not_logged_in_is_told_what_to_type():
    world = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")}
    code = (
        "from a3b_tune.results.wandb_log import check_wandb\n"
        "from a3b_tune.errors import InputError\n"
        "try: check_wandb('demo')\n"
        "except InputError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**world, "HOME": "/nonexistent", "NETRC": "/nonexistent/netrc"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert "nobody is logged in here" in done.stdout
    assert "WANDB_MODE=offline" in done.stdout


def test_a_service_that_hangs_never_holds_the_search(monkeypatch):
    """Whatever a run of it does, events are taken at once, and the end waits so long at most."""
    import wandb

    hung = threading.Event()

    def init(**how):
        hung.wait(60)
        raise wandb.Error("too late")

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(wandb_log, "PATIENCE", 0.2)
    told = []
    log = WandBLog("demo", toy_file(), told.append)
    began = time.monotonic()
    for number in range(50):
        tell(log, number)
    assert time.monotonic() - began < 1.0
    log.close()
    assert time.monotonic() - began < 5.0
    assert told == ["Weights & Biases: not all was sent; `wandb sync` sends the rest"]
    hung.set()
    log._thread.join()


def test_a_service_that_fails_is_told_once(monkeypatch):
    import wandb

    def init(**how):
        raise wandb.Error("no such\nentity")

    monkeypatch.setattr(wandb, "init", init)
    told = []
    log = WandBLog("demo", toy_file(), told.append)
    for number in range(3):
        tell(log, number)
    log.close()
    assert told == ["Weights & Biases: nothing more is sent: no such entity"]
