"""Tasks trained in several processes of this machine, a stack at a time in each.

A process is handed the next stack when it has ended one; what it measured is told at once, so a
process may be killed and loses its running stack alone. Knows neither races nor where values are
kept.
"""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Protocol, cast

from setproctitle import setproctitle

from a3b_tune.errors import InputError
from a3b_tune.finals.contest import Outcome, Task, shared_out
from a3b_tune.finals.retraining import Ended, Ground, Moved, Retraining
from a3b_tune.starting import Process, context, orphaned, prepare, start
from a3b_tune.training import Stopped

# Seconds between two looks at whether to stop.
LOOK = 0.2
# A process that dies is started again so often.
RESTARTS = 2

Told = Moved | Ended


class Crew(Protocol):
    """Trains tasks; `count` is how many stacks it trains at once."""

    count: int

    def __call__(self, tasks: Sequence[Task], hear: Callable[[Told], None]) -> None:
        """Trains all tasks, telling what becomes of them.

        :raises Stopped: it was asked to stop.
        :raises InputError: the data is not the study's, or process after process died.
        """


class OneProcess:
    """Trains here."""

    count = 1

    def __init__(self, retraining: Retraining) -> None:
        self._retraining = retraining

    def __call__(self, tasks: Sequence[Task], hear: Callable[[Told], None]) -> None:
        for stack in shared_out(tasks, 1):
            for told in self._retraining(stack):
                hear(told)


@dataclass(frozen=True)
class Errand:
    """What a process needs to know."""

    grounds: Mapping[str, Ground]
    device: str
    precision: str
    data_dir: Path | None


@dataclass
class _Hand:
    """A process, and the tasks of its stack that have not ended; None where it waits for one."""

    process: Process
    tasks: list[Task] | None = None


class Processes:
    """Trains in so many processes, which stay until it is left."""

    def __init__(self, errand: Errand, count: int, should_stop: Callable[[], bool]) -> None:
        self.count = count
        self._errand = errand
        self._should_stop = should_stop
        self._flag = cast("Synchronized[int]", context.Value("i", 0, lock=False))
        self._hands: dict[Connection, _Hand] = {}
        self._restarts = RESTARTS

    def __enter__(self) -> "Processes":
        prepare(__name__)
        return self

    def __exit__(self, *_: object) -> None:
        for connection, hand in self._hands.items():
            connection.close()
            hand.process.kill()
            hand.process.join()
        self._hands.clear()

    def __call__(self, tasks: Sequence[Task], hear: Callable[[Told], None]) -> None:
        stacks = deque(shared_out(tasks, self.count))
        while len(self._hands) < min(self.count, len(stacks)):
            self._start()
        for connection in list(self._hands):
            self._hand_out(connection, stacks)
        while any(hand.tasks is not None for hand in self._hands.values()):
            if self._should_stop():
                self._flag.value = 1
                raise Stopped
            for ready in wait(list(self._hands), timeout=LOOK):
                self._listen(cast(Connection, ready), stacks, hear)

    def _start(self) -> Connection:
        own, other = context.Pipe()
        process = start(_work, self._errand, self._flag, other)
        other.close()
        self._hands[own] = _Hand(process)
        return own

    def _hand_out(self, connection: Connection, stacks: deque[list[Task]]) -> None:
        if stacks:
            stack = stacks.popleft()
            self._hands[connection].tasks = list(stack)
            try:
                connection.send(stack)
            except OSError:
                # It is gone, which the next look at it tells.
                return

    def _listen(
        self, connection: Connection, stacks: deque[list[Task]], hear: Callable[[Told], None]
    ) -> None:
        hand = self._hands[connection]
        try:
            told = connection.recv()
        except (EOFError, OSError):
            self._gone(connection, stacks)
            return
        if isinstance(told, InputError):
            raise told
        if told is None:
            hand.tasks = None
            self._hand_out(connection, stacks)
            return
        if isinstance(told, Ended):
            done = {_name(outcome) for outcome in told.outcomes}
            rest = hand.tasks or []
            hand.tasks = [t for t in rest if (t.who.study, t.who.trial, t.seed) not in done]
        hear(told)

    def _gone(self, connection: Connection, stacks: deque[list[Task]]) -> None:
        """A process that died: another one takes the rest of its stack."""
        hand = self._hands.pop(connection)
        hand.process.join()
        if self._restarts == 0:
            code = hand.process.exitcode
            how = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
            raise InputError(f"processes that train die, the last with {how}; see --workers")
        self._restarts -= 1
        if hand.tasks:
            stacks.appendleft(hand.tasks)
        self._hand_out(self._start(), stacks)


def _name(outcome: Outcome) -> tuple[str, int, int]:
    return outcome.study, outcome.trial, outcome.seed


def _work(errand: Errand, flag: "Synchronized[int]", connection: Connection) -> None:
    """The whole life of a process."""
    from a3b_tune.training.device import choose_device, prepare_process

    setproctitle("a3b-tune: confirm")

    def should_stop() -> bool:
        return bool(flag.value) or orphaned()

    device = choose_device(errand.device)
    prepare_process(device, errand.precision)
    retraining = Retraining(
        errand.grounds, device, should_stop, data_dir=errand.data_dir, precision=errand.precision
    )
    try:
        for stack in _received(connection, should_stop):
            for told in retraining(stack):
                connection.send(told)
            connection.send(None)
    except InputError as error:
        connection.send(error)
    except (Stopped, EOFError, OSError):
        return


def _received(connection: Connection, should_stop: Callable[[], bool]) -> Iterator[list[Task]]:
    while not should_stop():
        if connection.poll(LOOK):
            yield connection.recv()
