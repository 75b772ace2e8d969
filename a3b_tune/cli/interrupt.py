"""Ctrl-C: the first asks the run to stop between two steps, the second ends the process at once.

Knows nothing of what is running.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

EXIT_CODES = {"Ctrl-C": 130, "SIGTERM": 143}
SHOW_CURSOR = "\x1b[?25h"


class Interrupt:
    """While entered, catches SIGINT and SIGTERM; calling it gives the reason to stop, or None."""

    def __init__(self, first: Callable[[str], None]) -> None:
        """`first` is called, with the reason, at the first signal."""
        self._first = first
        self._reason: str | None = None
        self._before: dict[signal.Signals, object] = {}

    def __call__(self) -> str | None:
        return self._reason

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
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

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        reason = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        if self._reason is not None:
            if sys.stderr.isatty():
                sys.stderr.write(SHOW_CURSOR + "\n")
                sys.stderr.flush()
            os._exit(EXIT_CODES[reason])
        self._reason = reason
        self._first(reason)
