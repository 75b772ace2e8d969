"""WHERE trials run: in as many processes as this machine has cores for, each with its own trials.

Knows no model and no tensor; a worker process is told a storage, a study and where the data is, and
tells its events back. What must not be lost is in the storage, so any process may be killed.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, cast

from setproctitle import setproctitle

from a3b_tune.errors import InputError
from a3b_tune.starting import Process, context, orphaned, prepare, start
from a3b_tune.storage.opening import open_patiently, world_error
from a3b_tune.storage.patience import Patience, answered, passes
from a3b_tune.tuning.events import Event, LostFound, TrialEnded, Waiting, WorkerDied
from a3b_tune.tuning.liveness import Reaped, reap
from a3b_tune.tuning.loop import BrokenRun, Limits, Run
from a3b_tune.tuning.studies import StoredStudy, go_on
from a3b_tune.tuning.watching import Watch
from a3b_tune.workers import LIBRARIES

# More writers than this only wait for each other on one SQLite file.
MOST = 16
# A worker that dies is started again so often; then the rest go on without it.
RESTARTS = 3
# Seconds between two looks at whether to stop.
LOOK = 0.2

# Seconds between two looks at what workers elsewhere do.
WATCH = 2.0

# What the shared flag says; 0 is "go on".
REASONS = ("", "Ctrl-C", "SIGTERM", "SIGUSR1", "another worker failed")


@dataclass(frozen=True)
class Job:
    """What a worker process needs to know. `deadline` is a moment of `time.monotonic`, which all
    processes of a machine share; `workers` is how many run the study together; `gpus` are those
    that they take in turns, as `CUDA_VISIBLE_DEVICES` names them. The rest is as `Run` has it."""

    url: str
    study: str
    device: str
    data_dir: Path | None
    trials: int
    deadline: float | None
    stack: str = "auto"
    precision: str = "auto"
    workers: int = 1
    patience: float = 0.0
    wait: bool = False
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ended:
    """A worker's last word: why it stopped, or the fault that ended it."""

    reason: str
    fault: InputError | BrokenRun | None = None


def worker_count(asked: str, cores: int, trials: int) -> int:
    """How many workers: `auto` is one per core, and no more than there are trials to run.

    :raises InputError: neither `auto` nor a whole number from 1.
    """
    if asked == "auto":
        return max(1, min(cores, trials, MOST))
    if not asked.isdecimal() or int(asked) < 1:
        raise InputError(f"--workers: {asked!r} is neither auto nor a whole number from 1")
    return max(1, min(int(asked), trials))


class Team:
    """Several worker processes on one study, and the one ear that hears them all."""

    def __init__(
        self, stored: StoredStudy, job: Job, count: int, notify: Callable[[Event], None]
    ) -> None:
        self._stored = stored
        self._job = job
        self._notify = notify
        self._flag = cast("Synchronized[int]", context.Value("i", 0, lock=False))
        self._members: dict[Connection, Process] = {}
        self._restarts = RESTARTS
        self._ended: list[Ended] = []
        self._count = count
        self._started = 0
        self._pids: set[int] = set()
        self._watch = Watch(stored, notify, lambda: self._pids)
        self._look_at = 0.0

    def __call__(self, stop: Callable[[], str | None]) -> str:
        """Runs until every worker has ended.

        :param stop: asked often; its reason ends all workers between two steps.
        :returns: why it ended, as `Run` says it.
        :raises InputError, BrokenRun: the fault of a worker, or that none could be started; the
            others have put their trials back.
        """
        prepare(*LIBRARIES)
        try:
            for _ in range(self._count):
                self._start()
            while self._members:
                if (reason := stop()) and not self._flag.value:
                    self._flag.value = REASONS.index(reason)
                for ready in wait(list(self._members), timeout=LOOK):
                    self._hear(cast(Connection, ready))
                self._look_on()
        finally:
            for process in self._members.values():
                process.kill()
        return self._ending()

    def _look_on(self) -> None:
        """Tells, now and then, what workers elsewhere do."""
        if time.monotonic() < self._look_at:
            return
        # Without waiting for a storage that is gone: the workers must be heard.
        answered(self._stored.storage, self._watch.look)
        self._look_at = time.monotonic() + WATCH

    def _start(self) -> None:
        receiver, sender = context.Pipe(duplex=False)
        gpus = self._job.gpus
        gpu = gpus[self._started % len(gpus)] if gpus else None
        self._started += 1
        process = start(_work, self._job, self._flag, sender, gpu)
        self._pids.add(process.pid or 0)
        sender.close()
        self._members[receiver] = process

    def _hear(self, connection: Connection) -> None:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            self._gone(connection)
            return
        if isinstance(message, Ended):
            self._ended.append(message)
            self._members.pop(connection).join()
            if message.fault is not None:
                self._flag.value = self._flag.value or REASONS.index("another worker failed")
        elif not isinstance(message, Waiting):
            # Whom one of them waits for, the display shows.
            self._notify(message)

    def _gone(self, connection: Connection) -> None:
        """A worker that did not say goodbye: its trial goes back, another one takes its place."""
        process = self._members.pop(connection)
        process.join()
        reaped: list[Reaped] = []
        # Where the storage is gone too, another worker will find the trials.
        answered(self._stored.storage, lambda: reaped.extend(reap(self._stored)))
        lost = [found.number for found in reaped if not found.failed]
        again = self._restarts > 0 and not self._flag.value
        self._notify(WorkerDied(process.pid or 0, _how(process.exitcode), lost, again))
        if lost:
            self._notify(LostFound(lost))
        for found in reaped:
            if found.failed:
                self._notify(TrialEnded(found.number, "failed", None, None, found.reason))
        if again:
            self._restarts -= 1
            self._start()
        elif not self._members and not self._ended:
            fault = BrokenRun(f"every worker died; the last {_how(process.exitcode)}")
            self._ended.append(Ended("died", fault))

    def _ending(self) -> str:
        for end in self._ended:
            if end.fault is not None:
                raise end.fault
        reasons = [end.reason for end in self._ended]
        return next((reason for reason in reasons if reason != "trials"), "trials")


def _how(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"was ended by {signal.Signals(-exitcode).name}"
    return f"ended with exit code {exitcode}"


def _work(job: Job, flag: "Synchronized[int]", sender: Connection, gpu: str | None) -> None:
    """The whole life of a worker process."""
    if gpu is not None:
        # Before anything asks CUDA what there is.
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    setproctitle(f"a3b-tune: worker of {job.study}")
    try:
        ended = Ended(_run(job, flag, sender))
    except (InputError, BrokenRun) as error:
        ended = Ended("failed", error)
    # Without a parent there is nobody to tell.
    if not orphaned():
        sender.send(ended)


def _run(job: Job, flag: "Synchronized[int]", sender: Connection) -> str:
    from a3b_tune.training.device import choose_device, prepare_process
    from a3b_tune.training.prepared import Prepared, load_dataset

    device = choose_device(job.device)
    prepare_process(device, job.precision)
    stop = partial(_stop, flag)
    stored = _joined(job, lambda: stop() is not None)
    prepared = Prepared(load_dataset(stored.file.data, job.data_dir), device, job.precision)
    limits = Limits(job.trials, job.deadline, stop)
    tell = partial(_tell, sender)
    return Run(
        stored,
        prepared,
        limits,
        tell,
        stack=job.stack,
        workers=job.workers,
        wait=job.wait,
        patience=job.patience,
    )()


def _joined(job: Job, should_stop: Callable[[], bool]) -> StoredStudy:
    """The study, as a worker that starts finds it. The first process had it open, so a storage
    that is gone now has failed in mid-run: it is waited for, and told of in the same words.

    :raises InputError: it did not come back in time.
    """
    try:
        storage = open_patiently(job.url, job.patience, should_stop=should_stop)
        storage.patience = Patience(job.patience, should_stop=should_stop)
        return go_on(storage, job.study)
    except Exception as error:
        refused = isinstance(error, InputError) and passes(error)
        told = world_error(cast(Exception, error.__context__ if refused else error))
        if told is None:
            raise
        raise InputError(told) from error


def _stop(flag: "Synchronized[int]") -> str | None:
    if flag.value:
        return REASONS[flag.value]
    return "the first process is gone" if orphaned() else None


def _tell(sender: Connection, event: Any) -> None:  # noqa: ANN401
    if not orphaned():
        sender.send(event)
