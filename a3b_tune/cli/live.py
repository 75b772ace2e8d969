"""The live display: a picture that is painted four times a second, above it lines that stay.

Knows when to paint; `picture.py` knows what.
"""

from threading import Event as Flag
from threading import RLock, Thread
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from a3b_tune.cli.picture import picture
from a3b_tune.cli.progress import Progress
from a3b_tune.cli.telling import Teller
from a3b_tune.tuning.events import Event

# Seconds between two paintings.
INTERVAL = 0.25


class LiveDisplay:
    """Hears events at any rate; a thread of its own paints what they came to."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._teller = Teller(progress)
        self._lines: list[Text] = []
        # A signal handler may speak while the same thread is hearing an event.
        self._lock = RLock()
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._left = Flag()
        self._painter = Thread(target=self._paint_on, daemon=True)
        self._fault: OSError | None = None

    def __call__(self, event: Event) -> None:
        if self._fault is not None:
            raise self._fault
        with self._lock:
            self._lines += self._teller.hear(event)

    def say(self, text: str) -> None:
        with self._lock:
            self._lines.append(Text(text, style="cyan"))

    def __enter__(self) -> Self:
        self._live.start()
        self._paint()
        self._painter.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()
        self._painter.join()
        try:
            with self._lock:
                self._lines += self._teller.rest()
            self._paint()
        finally:
            self._live.stop()

    def _paint_on(self) -> None:
        while not self._left.wait(INTERVAL):
            try:
                self._paint()
            except OSError as fault:
                self._fault = fault
                return

    def _paint(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
            self._live.update(picture(self._progress, self._console.height))
        if lines:
            # Printing paints the picture anew below what is printed.
            self._console.print(Group(*lines), highlight=False)
        else:
            self._live.refresh()
