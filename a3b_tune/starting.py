"""How this program starts processes of its own: forked from one that has imported what they need.

torch and Optuna take seconds to import. On Linux that is done once, by a server that may begin
while the command still reads its study; each process is then forked from it in milliseconds, and
all of them share one copy of the libraries. Elsewhere, where forking after imports is not safe,
each process imports for itself. Knows neither studies nor what the processes do.
"""

import atexit
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import forkserver, get_context, parent_process
from multiprocessing.context import (
    ForkServerContext,
    ForkServerProcess,
    SpawnContext,
    SpawnProcess,
)
from pathlib import Path
from typing import Any

from setproctitle import getproctitle

from a3b_tune.errors import InputError

Process = ForkServerProcess | SpawnProcess

FORKS = sys.platform == "linux"
# There where a driver is.
GPU = Path("/dev/nvidiactl")
# What makes pipes, shared values and processes that fit together.
context: ForkServerContext | SpawnContext = (
    get_context("forkserver") if FORKS else get_context("spawn")
)

# A terminal or a cluster sends these to every process of a command; the first one decides what
# they mean, and tells the others.
OF_THE_COMMAND = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


def available_cores() -> int:
    """The cores that this process may use (a container or a scheduler may have cut them)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def prepare(*modules: str) -> None:
    """Begins to import modules, and all that they need, for processes that will be started, beside
    what this one does. The first time counts; where processes are not forked it does nothing."""
    if FORKS:
        _end_with_this_one()
        forkserver.set_forkserver_preload(["__main__", *modules])
        with _deaf():
            forkserver.ensure_running()


@cache
def _end_with_this_one() -> None:
    """Whoever waits for the end of a command's output shall not wait for a server that imports what
    nobody needs any more, after a mistake was found, say."""
    atexit.register(_end_server)


def _end_server() -> None:
    server = getattr(forkserver._forkserver, "_forkserver_pid", None)
    if server is not None:
        # Not yet waited for, so that its number is no other process's.
        with suppress(OSError):
            os.kill(server, signal.SIGKILL)


def prepare_early(modules: Sequence[str], workers: str, device: str) -> None:
    """The same, by what was asked for and before anything is known of the machine but its files: it
    is left out where one process will do all the work, as on a GPU."""
    gpu = device != "cpu" and GPU.exists()
    if workers != "1" and available_cores() > 1 and not gpu:
        prepare(*modules)


def start(target: Callable[..., None], *arguments: Any) -> Process:  # noqa: ANN401
    """Starts a process, which is ended where this one exits; where this one is killed, `orphaned`
    tells it to end. It has this one's working folder and environment, and does not hear the signals
    of the terminal.

    :param target: a function of a module, as its arguments something that can be pickled or handed
        to a process of this `context`.
    :raises InputError: the machine has no room for another process.
    """
    process = context.Process(
        target=_begin, args=(dict(os.environ), target, arguments), daemon=True
    )
    try:
        with _deaf():
            process.start()
    except (EOFError, OSError) as error:
        told = getattr(error, "strerror", None) or "the one that starts them is gone"
        raise InputError(f"no process could be started: {told}") from error
    return process


def _begin(
    environment: Mapping[str, str], target: Callable[..., None], arguments: Sequence[Any]
) -> None:
    for number in OF_THE_COMMAND:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OF_THE_COMMAND)
    # The server has the environment of the moment in which it began. A title is written where that
    # one lies, which must be found before it changes.
    getproctitle()
    os.environ.clear()
    os.environ.update(environment)
    target(*arguments)


def orphaned() -> bool:
    """Whether the process that started this one is gone; asked between two steps, it takes a
    microsecond."""
    return bool(_line_to_parent().poll(0))


@cache
def _line_to_parent() -> "select.poll":
    """A pipe whose other end the parent alone holds: it is ready when that process has ended,
    however it did. The parent's number would not tell: that of a forked process is the server's."""
    parent = parent_process()
    assert parent is not None, "only a process that was started here has such a parent"
    line = select.poll()
    line.register(parent.sentinel, select.POLLIN | select.POLLHUP)
    return line


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started inside begins with the command's signals blocked: until it has set up its
    own answer to them, they must not end it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_THE_COMMAND)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
