"""The main loop: take a trial, open a stack of its shape, let it live, until the budget, the time
or the person says enough. What happens is told as events; knows nothing of who listens.
"""

import os
import time
import traceback
from collections.abc import Callable
from math import ceil, inf
from typing import Protocol

import torch

from a3b_tune.errors import InputError
from a3b_tune.storage.opening import world_error
from a3b_tune.storage.patience import Patience
from a3b_tune.training import Learner, Prepared, Stopped
from a3b_tune.training.checks import own_sources
from a3b_tune.training.device import describe_device
from a3b_tune.training.learner import out_of_memory
from a3b_tune.training.opening import open_learner as open_real_learner
from a3b_tune.training.shape import Shape
from a3b_tune.training.stack_size import StackSizes
from a3b_tune.tuning import records
from a3b_tune.tuning.account import Account
from a3b_tune.tuning.asking import Queue
from a3b_tune.tuning.checkpointing import Checkpoints
from a3b_tune.tuning.desk import Desk, ended_event
from a3b_tune.tuning.events import (
    EpochDone,
    Event,
    LostFound,
    StorageBack,
    StorageGone,
    TrialEnded,
    TrialStarted,
    Waiting,
    Warned,
    WorkerDied,
)
from a3b_tune.tuning.liveness import Heart, reap
from a3b_tune.tuning.showing import Artifacts
from a3b_tune.tuning.spending import Spending
from a3b_tune.tuning.stacking import Stack
from a3b_tune.tuning.stopping import Limits, Stopping
from a3b_tune.tuning.studies import StoredStudy
from a3b_tune.tuning.trials import NEWS_INTERVAL, RunningTrial, put_back_all, write_all
from a3b_tune.tuning.turns import LEAST_TURN, Turn, turn_length
from a3b_tune.tuning.watching import Watch

__all__ = [
    "BrokenRun",
    "EpochDone",
    "Event",
    "Limits",
    "LostFound",
    "Run",
    "TrialEnded",
    "TrialStarted",
    "WorkerDied",
]

# So many trials in a row that fail alike, and the fault is not the settings'.
FAILURES_IN_A_ROW = 3
# Samplers that draw the same whatever has been found.
KNOWS_ALL = ("random", "grid", "qmc")
# Seconds between two looks at whether there is something to do again.
LOOK = 0.2
# A study hears of its trials in at least so many rounds.
ROUNDS = 4


class BrokenRun(Exception):
    """Trial after trial fails with an error that no setting explains; the text is the last one."""


class Sizes(Protocol):
    """How large a stack may be. `StackSizes` measures it."""

    def size(self, shape: Shape, most: int) -> int:
        """The slots of a stack of a shape, from 1 to `most`."""

    def too_large(self, shape: Shape, slots: int) -> int:
        """Notes that a stack of so many slots found no memory; the new size."""


class OpenLearner(Protocol):
    """A learner for one shape: plain for one slot, else stacked."""

    def __call__(
        self,
        shape: Shape,
        prepared: Prepared,
        slots: int,
        should_stop: Callable[[], bool],
        epochs_ahead: int,
    ) -> Learner: ...


class Run:
    """One worker's share of a study.

    :param stack: the slots of a stack: `auto` or a number.
    :param workers: how many workers run the study; each takes its share of what is left.
    :param wait: stay, when nothing is left to take, until the trials of other workers have ended:
        one that is lost will be run here.
    :param patience: how long a storage that is gone is waited for, in seconds.
    :param watch: tell of what other workers do too.
    """

    def __init__(
        self,
        stored: StoredStudy,
        prepared: Prepared,
        limits: Limits,
        notify: Callable[[Event], None],
        *,
        stack: str = "auto",
        workers: int = 1,
        wait: bool = False,
        patience: float = 0.0,
        watch: bool = False,
        open_learner: OpenLearner | None = None,
        sizes: Sizes | None = None,
    ) -> None:
        self._stored = stored
        self._prepared = prepared
        self._limits = limits
        self._workers = workers
        self._open_learner = open_learner or open_real_learner
        self._sizes = sizes or StackSizes(prepared, stack, self._warn)
        self._turn_length = turn_length(stored.file, limits.trials)
        # Shapes of which a stack failed, and how large the next one may be.
        self._largest: dict[Shape, int] = {}
        self._failures = 0
        self._wait = wait
        cuda = prepared.device.type == "cuda"
        account = Account("gpu" if cuda else "cpu", 1 if cuda else torch.get_num_threads())
        checkpoints, artifacts = Checkpoints(stored, self._warn), Artifacts(stored, self._warn)
        queue = Queue(stored, limits.trials, self._about(), account, checkpoints.load)
        self._heart = Heart(stored)
        if watch:
            elsewhere = Watch(stored, self._heart.news.append, lambda: [os.getpid()])
            self._heart.look_on = elsewhere.look
        self._stop = Stopping(limits, Spending(stored, account), self._heart)
        self._desk = Desk(
            stored, queue, account, self._stop.reached, notify, self._heart, checkpoints, artifacts
        )
        stored.storage.patience = Patience(
            patience,
            gone=lambda cause: notify(StorageGone(cause)),
            back=lambda seconds: notify(StorageBack(seconds)),
            should_stop=self._stop.waits_no_more,
        )
        self._warned: set[str] = set()

    def _warn(self, text: str) -> None:
        """Tells of something once."""
        if text not in self._warned:
            self._warned.add(text)
            self._desk.notify(Warned(text))

    def __call__(self) -> str:
        """Runs trials, stack after stack.

        :returns: why it ended: `trials` (the budget is met), `timeout`, or the reason of `stop`.
        :raises InputError: the storage cannot be used any more; finished trials are kept.
        :raises BrokenRun: three trials in a row failed with an error.
        """
        try:
            self._desk.account.resume(self._stored)
            self._heart.news.extend(reap(self._stored))
            self._desk.hear()
            with self._heart:
                try:
                    return self._work()
                finally:
                    self._desk.hear()
                    self._desk.account.write(self._stored)
        except Exception as error:
            if told := world_error(error):
                raise InputError(told) from error
            raise

    def _about(self) -> dict[str, object]:
        return {
            "device": describe_device(self._prepared.device),
            "threads": torch.get_num_threads(),
            "data_hash": self._prepared.dataset.data_hash,
            "versions": records.versions(),
            "commit": records.commit(),
            **own_sources(self._stored.file),
        }

    def _work(self) -> str:
        while True:
            if reason := self._stop.reached():
                return reason
            leader = self._desk.queue.leader()
            if leader is not None:
                self._stack(leader)
            elif not self._wait or not self._stay():
                return "trials"

    def _stay(self) -> bool:
        """Waits while others run the last trials; False where there are none, so all have ended."""
        others = self._desk.queue.others_run()
        if others:
            self._desk.notify(Waiting(others))
        while others and self._stop.reached() is None:
            time.sleep(LOOK)
            self._desk.hear()
            self._stored.view.refresh(NEWS_INTERVAL)
            if self._desk.queue.unbegun():
                return True
            others = self._desk.queue.others_run()
        return self._stop.reached() is not None

    def _stack(self, leader: RunningTrial) -> None:
        """Runs one stack, from its leader to its last trial, and cares for what goes wrong."""
        shape, slots, held = Shape.of(leader.settings), 1, {leader.number: leader}
        try:
            with self._desk.account.timed("training"):
                slots = self._slots(shape)
                learner = self._open(shape, slots)
            # A stack of one has nothing to gain from a shape: each trial is drawn from all.
            length = self._turn_length if slots > 1 else 1
            Stack(
                self._desk, learner, shape, Turn(self._stored.view, shape, length, slots), held
            ).live()
            self._failures = 0
        except Stopped:
            self._put_back(held, self._stop.reached() or "stopped")
        except OSError as error:
            # A full disk or a closed terminal says nothing about the trials.
            put_back_all(self._stored, list(held.values()), f"{type(error).__name__}: {error}")
            raise
        except Exception as error:
            if world_error(error) or not held:
                raise
            self._mend(shape, slots, held, error)

    def _slots(self, shape: Shape) -> int:
        most = int(min(self._ahead(), self._at_once(), self._largest.get(shape, inf)))
        return 1 if most <= 1 else self._sizes.size(shape, most)

    def _at_once(self) -> float:
        """The most trials that may be drawn before the first of them is heard of, over all workers
        a quarter of the study: a sampler learns nothing in between."""
        if self._stored.file.study.sampler.name in KNOWS_ALL:
            return inf
        return max(LEAST_TURN, ceil(self._limits.trials / (ROUNDS * self._workers)))

    def _ahead(self) -> float:
        """The most trials that the next stack will take: a turn, and of what is left no more than
        this worker's share, so that the last stacks are small and end together."""
        unbegun = self._desk.queue.unbegun() + 1
        return min(self._turn_length, ceil(unbegun / self._workers))

    def _open(self, shape: Shape, slots: int) -> Learner:
        epochs = ceil(self._ahead() / slots) * self._stored.file.rounds
        return self._open_learner(shape, self._prepared, slots, self._stop.hurried, epochs)

    def _mend(
        self, shape: Shape, slots: int, held: dict[int, RunningTrial], error: Exception
    ) -> None:
        """After an error while training: a trial that was alone fails; those of a larger stack wait
        again, to be run in a smaller one."""
        short = out_of_memory(error)
        first_line = str(error).partition("\n")[0]
        told = "out of memory" if short else f"error: {type(error).__name__}: {first_line}"
        if slots == 1:
            self._fail(next(iter(held.values())), told)
            return
        # An error that is not of memory has one guilty trial among the others: alone, it fails, and
        # the others do not.
        size = self._sizes.too_large(shape, slots) if short else 1
        self._largest[shape] = max(1, min(size, slots - 1))
        then = f"{told}, in a stack of {slots}; next {self._largest[shape]}"
        self._put_back(held, then, "out of memory" if short else "error")

    def _fail(self, trial: RunningTrial, reason: str) -> None:
        trial.fail(reason, traceback.format_exc())
        with self._desk.account.timed("storage"):
            write_all([trial])
        self._desk.account.trials += 1
        self._failures += 1
        self._desk.notify(ended_event(trial))
        if self._failures >= FAILURES_IN_A_ROW:
            raise BrokenRun(f"{self._failures} trials in a row failed; the last: {reason}")

    def _put_back(self, held: dict[int, RunningTrial], reason: str, kind: str = "stopped") -> None:
        trials = list(held.values())
        ended = [
            TrialEnded(t.number, "put back", t.best_value, t.best_epoch, reason) for t in trials
        ]
        with self._desk.account.timed("storage"):
            put_back_all(self._stored, trials, reason, kind)
        for event in ended:
            self._desk.notify(event)
