"""Several processes: what one of them loses another trains, and each run ends once."""

import dataclasses
import os
import signal

import psutil
import pytest

from a3b_tune.cli.confirming import _found
from a3b_tune.errors import InputError
from a3b_tune.finals.contest import Task
from a3b_tune.finals.processes import Errand, Processes
from a3b_tune.finals.retraining import Ended, Moved
from a3b_tune.training import Stopped
from tests.results import building


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    stored = building.trained(building.url_in(tmp_path_factory.mktemp("processes")), 2)
    return _found(stored.storage, "small", 1)


def errand(found):
    ground = found.entry.ground
    other = dataclasses.replace(ground, hash="0", data=ground.data.model_copy(update={"rows": 500}))
    return Errand({"small": ground, "elsewhere": other}, "cpu", "auto", None)


def at_work():
    """The processes that train, by the name they give themselves."""
    below = psutil.Process().children(recursive=True)
    return [process for process in below if "a3b-tune: confirm" in " ".join(process.cmdline())]


def test_a_killed_process_loses_nothing_and_none_is_left(found):
    tasks = [Task(found.entry.contestants[0], seed) for seed in (1, 2, 3)]
    outcomes, killed = [], []

    def hear(told):
        if isinstance(told, Moved) and not killed:
            (worker,) = at_work()
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)
        if isinstance(told, Ended):
            outcomes.extend(told.outcomes)

    stop = []
    elsewhere = dataclasses.replace(tasks[0].who, study="elsewhere")
    with Processes(errand(found), 1, lambda: bool(stop)) as crew:
        crew(tasks, hear)
        assert killed
        assert sorted(outcome.seed for outcome in outcomes) == [1, 2, 3]
        again = [Task(found.entry.contestants[0], 4)]
        crew(again, hear)
        assert sorted(outcome.seed for outcome in outcomes) == [1, 2, 3, 4]
        with pytest.raises(InputError, match="'elsewhere' began with other data"):
            crew([Task(elsewhere, 1)], hear)
        stop.append(True)
        with pytest.raises(Stopped):
            crew(again, hear)
    assert not at_work()
