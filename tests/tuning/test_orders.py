"""Whatever happens in whatever order: each trial ends once, and the budget is met exactly."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import optuna
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from a3b_tune.data.load import load
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import StudyFile, loads
from a3b_tune.training import Prepared
from a3b_tune.tuning import records
from a3b_tune.tuning.events import Event, TrialEnded
from a3b_tune.tuning.liveness import losses
from a3b_tune.tuning.loop import BrokenRun, Limits, Run
from a3b_tune.tuning.pruning import build_pruner
from a3b_tune.tuning.records import Worker
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on, go_on
from tests.tuning.fake_learner import Fakes, Fate
from tests.tuning.memory_storage import MemoryStorage

FILE = """
[study]
name = "orders"
sampler = "{sampler}"
pruner = "{pruner}"
retries = {retries}
heartbeat = "1h"
[data]
name = "xor"
rows = 64
[model]
name = "baseline"
width = {width}
pool = {pool}
[optimizer]
lr = {lr}
[training]
epochs = {epochs}
"""

XOR = Prepared(load("xor", rows=64), torch.device("cpu"))


class Killed(BaseException):
    """The process of a worker ends in the middle of something."""


@dataclass
class Visit:
    """One worker's stay: how large its stacks are, at which look at the clock it is stopped, and
    what the world does at one of its events: it is killed, or another worker comes."""

    slots: int
    memory: int
    workers: int
    stop_at: int | None
    event: int
    does: "Visit | str | None"


@dataclass
class World:
    """A study, its storage, and all that its workers told."""

    file: StudyFile
    budget: int
    fates: list[Fate]
    open: object
    ended: Counter = field(default_factory=Counter)
    told: Counter = field(default_factory=Counter)
    visits: int = 0
    here: Worker | None = None
    alive: list[int] = field(default_factory=list)

    def visit(self, visit: Visit) -> str:
        """One worker's stay; how it ended."""
        before, self.visits = self.here, self.visits + 1
        me = self.here = Worker("here", self.visits, 0.0)
        self.alive.append(me.pid)
        stored = self.count_endings(self.open(self.file))
        fakes = Fakes(lambda r: self.fates[r.seed % len(self.fates)], visit.slots, visit.memory)
        looks = count()
        run = Run(
            stored,
            XOR,
            Limits(self.budget, None, lambda: "C" if next(looks) == visit.stop_at else None),
            partial(self.hear, visit, count()),
            workers=visit.workers,
            open_learner=fakes.open_learner,
            sizes=fakes,
        )
        try:
            return run()
        except Killed:
            return "killed"
        except BrokenRun:
            return "broken"
        finally:
            self.alive.remove(me.pid)
            self.here = before

    def hear(self, visit: Visit, events: Iterator[int], event: Event) -> None:
        if isinstance(event, TrialEnded) and event.state != "put back":
            self.told[event.number] += 1
        if next(events) != visit.event or visit.does is None:
            return
        if isinstance(visit.does, Visit):
            self.visit(visit.does)
        else:
            raise Killed

    def count_endings(self, stored: StoredStudy) -> StoredStudy:
        def counted(changes):
            refused = type(stored.storage).write_all(stored.storage, changes)
            ends = [c.trial_id for c in changes if c.state is not None]
            self.ended.update(trial_id for trial_id in ends if trial_id not in refused)
            return refused

        def counted_losses(releases):
            released = type(stored.storage).release(stored.storage, releases)
            ends = [r.trial_id for r in releases if r.state == TrialState.FAIL]
            self.ended.update(trial_id for trial_id in ends if trial_id in released)
            return released

        stored.storage.write_all = counted
        stored.storage.release = counted_losses
        return stored


def either(*texts):
    return st.sampled_from(texts)


files = st.builds(
    FILE.format,
    sampler=either("random", "tpe"),
    pruner=either("none", "asha", "median", "hyperband"),
    retries=st.integers(0, 2),
    width=either("4", "{ choices = [4, 8] }", "{ low = 2, high = 9 }"),
    pool=either('"max"', '{ choices = ["mean", "max", "select"] }'),
    lr=either("{ low = 1e-3, high = 1e-1 }", "{ choices = [0.1, 0.01] }", "0.1"),
    epochs=either("1", "3", "{ low = 1, high = 4 }"),
) | st.builds(
    FILE.format,
    sampler=st.just("grid"),
    pruner=either("none", "asha"),
    retries=st.integers(0, 2),
    width=either("4", "{ choices = [4, 8] }"),
    pool=either('"max"', '{ choices = ["mean", "max", "select"] }'),
    lr=either("{ choices = [0.1, 0.01] }"),
    epochs=either("1", "3"),
)
fates = st.builds(
    Fate,
    accuracies=st.lists(either(0.25, 0.5, 0.75, 1.0), min_size=1, max_size=4).map(tuple),
    diverges=st.none() | st.none() | st.integers(1, 3),
    error=st.just(RuntimeError("boom")),
    breaks=st.none() | st.none() | st.none() | st.integers(1, 3),
)
visits = st.recursive(
    st.none() | st.just("killed"),
    lambda what: st.builds(
        Visit,
        slots=st.integers(1, 6),
        memory=st.integers(1, 8),
        workers=st.integers(1, 2),
        stop_at=st.none() | st.integers(0, 30),
        event=st.integers(0, 30),
        does=what,
    ),
    max_leaves=3,
).filter(lambda what: isinstance(what, Visit))


def live(world: World, plan: list[Visit]) -> StoredStudy:
    """All visits of the plan, then visits that nothing disturbs, until the study is done."""
    last = Visit(slots=3, memory=2, workers=1, stop_at=None, event=0, does=None)
    with patch.multiple(
        records, this_worker=lambda: world.here, is_dead=lambda w: w.pid not in world.alive
    ):
        for visit in plan:
            world.visit(visit)
        while world.visit(last) == "broken":
            assert world.visits <= len(plan) + world.budget
    return world.open(world.file)


def check(world: World, stored: StoredStudy) -> None:
    trials = stored.storage.get_all_trials(stored.id, deepcopy=False)
    assert [trial.number for trial in trials] == list(range(world.budget))
    assert all(trial.state.is_finished() for trial in trials)
    assert world.ended == Counter(trial._trial_id for trial in trials)
    assert set(world.told.values()) <= {1}
    for trial in trials:
        record = trial.user_attrs.get(records.RECORD)
        fate = world.fates[record["seed"] % len(world.fates)] if record else None
        if trial.state == TrialState.FAIL:
            lost = losses(trial.user_attrs)
            if lost > world.file.study.retries:
                assert trial.user_attrs[records.REASON].startswith(f"lost {lost} times; the last: ")
            else:
                assert fate.breaks is not None
                assert trial.user_attrs[records.REASON] == "error: RuntimeError: boom"
        assert sorted(trial.intermediate_values) == list(
            range(1, len(trial.intermediate_values) + 1)
        )
        if trial.state == TrialState.COMPLETE:
            assert trial.value == max(trial.intermediate_values.values())
    if world.file.study.sampler.name == "grid":
        points = Counter(tuple(sorted(trial.params.items())) for trial in trials)
        assert max(points.values()) - min(points.values()) <= 1


outcomes = st.lists(fates, min_size=1, max_size=6)
many = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
some = settings(many, max_examples=40)


@many
@given(files, st.integers(1, 14), outcomes, st.lists(visits, max_size=3))
def test_each_trial_ends_once_and_the_budget_is_exact(text, budget, fate, plan):
    file = loads(text, "orders.toml")
    storage = MemoryStorage("orders")

    def open_study(file):
        study = optuna.Study("orders", storage, pruner=build_pruner(file))
        return StoredStudy(storage, study, file)

    world = World(file, budget, fate, open_study)
    check(world, live(world, plan))


@pytest.fixture(scope="module")
def storage():
    """A real one, for all studies, on a disk in memory where there is one."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        opened = open_storage(f"sqlite:///{folder}/orders.db", create=True)
        yield opened
        opened.engine.dispose()


@some
@given(files, st.integers(1, 9), outcomes, st.lists(visits, max_size=2))
def test_the_same_holds_on_the_real_storage(storage, text, budget, fate, plan):
    name = f"orders {len(storage.get_all_studies())}"
    file = loads(text.replace('name = "orders"', f'name = "{name}"'), "orders.toml")
    begin_or_go_on(storage, file, XOR.dataset)
    world = World(file, budget, fate, lambda file: go_on(storage, name))
    check(world, live(world, plan))
