"""Ctrl-C: the first asks the run to stop between two steps, the second ends the process at once.
So do the signals by which a cluster says that a worker's time is up.

Knows nothing of what is running.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from types import FrameType, TracebackType
from typing import Self

EXIT_CODES = {"Ctrl-C": 130, "SIGTERM": 143, "SIGUSR1": 138}
REASONS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
if hasattr(signal, "SIGUSR1"):  # Windows has none
    REASONS[signal.SIGUSR1] = "SIGUSR1"
# A cluster may send its signals to a process and to its group: what follows so soon, in seconds, is
# not a second one.
ECHO = 2.0
SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def ending_by_signal() -> Iterator[None]:
    """Inside, but for an `Interrupt`, a cluster's signals end the process as an exit does: left to
    themselves they would end it without a word."""
    others = {number: reason for number, reason in REASONS.items() if number != signal.SIGINT}
    before = {
        number: signal.signal(number, partial(_exit, EXIT_CODES[reason]))
        for number, reason in others.items()
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(code: int, _number: int, _frame: FrameType | None) -> None:
    sys.exit(code)


class Interrupt:
    """While entered, catches SIGINT and SIGTERM; calling it gives the reason to stop, or None."""

    def __init__(self, first: Callable[[str], None]) -> None:
        """`first` is called, with the reason, at the first signal."""
        self._first = first
        self._reason: str | None = None
        self._before: dict[signal.Signals, object] = {}
        self._wakeup_before = -1
        self._wakeup = -1

    def __call__(self) -> str | None:
        return self._reason

    def __enter__(self) -> Self:
        reading, self._wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        self._wakeup_before = signal.set_wakeup_fd(self._wakeup)
        Thread(target=_end_at_second, args=(reading,), daemon=True).start()
        for number in REASONS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._wakeup)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._reason is None:
            self._reason = REASONS[signal.Signals(number)]
            self._first(self._reason)


def _end_at_second(reading: int) -> None:
    """Reads a byte for each signal until the other end is closed, and ends the process at the
    second. In a thread: Python's own handlers wait until the main thread comes back from a database
    that is locked, say, and that may take a minute."""
    first: float | None = None
    with os.fdopen(reading, "rb", buffering=0) as signals:
        while number := signals.read(1):
            reason = next((REASONS[known] for known in REASONS if known == number[0]), None)
            if reason is None:
                continue
            if first is None:
                first = time.monotonic()
                continue
            echo = reason != "Ctrl-C" and time.monotonic() - first < ECHO
            if not echo and reason != "SIGUSR1":
                if sys.stderr.isatty():
                    sys.stderr.write(SHOW_CURSOR + "\n")
                    sys.stderr.flush()
                os._exit(EXIT_CODES[reason])
