"""When the live display paints, and what becomes of a screen that cannot be written."""

import errno
import io
import time

import pytest
from rich.console import Console

from a3b_tune.cli import live
from a3b_tune.cli.live import LiveDisplay
from a3b_tune.cli.progress import Progress
from tests.cli.events import epoch, started, whole

PATIENCE = 60.0


class Screen(io.StringIO):
    """A terminal that may go away."""

    gone = False

    def write(self, text):
        if self.gone:
            raise OSError(errno.EIO, "Input/output error")
        return super().write(text)


def display(screen):
    console = Console(file=screen, width=80, height=30, force_terminal=True, legacy_windows=False)
    return LiveDisplay(console, Progress("small", 10_000, {}, None))


def test_events_do_not_paint_however_many_there_are(monkeypatch):
    monkeypatch.setattr(live, "INTERVAL", PATIENCE)
    painted = []

    def picture(progress, height):
        painted.append(len(progress.running))
        return ""

    monkeypatch.setattr(live, "picture", picture)
    screen = Screen()
    with display(screen) as view:
        for number in range(64):
            view(started(number))
        for at in range(1, 40):
            for number in range(64):
                view(epoch(number, at, 0.5, 40))
    assert painted == [0, 64]


def test_what_was_said_between_two_paintings_is_all_there(monkeypatch):
    monkeypatch.setattr(live, "INTERVAL", PATIENCE)
    screen = Screen()
    with display(screen) as view:
        for number in range(5):
            for event in whole(number, [0.5]):
                view(event)
        view.say("a word")
    written = screen.getvalue()
    assert [written.count(f"trial {number}  ") >= 1 for number in range(5)] == [True] * 5
    assert "a word" in written


def test_it_paints_by_itself_while_nothing_happens(monkeypatch):
    monkeypatch.setattr(live, "INTERVAL", 0.01)
    screen = Screen()
    with display(screen) as view:
        view.say("a word")
        deadline = time.monotonic() + PATIENCE
        while "a word" not in screen.getvalue():
            assert time.monotonic() < deadline


def test_a_screen_that_is_gone_ends_the_run_at_the_next_event(monkeypatch):
    monkeypatch.setattr(live, "INTERVAL", 0.01)
    screen = Screen()
    deadline = time.monotonic() + PATIENCE
    with pytest.raises(OSError, match="Input/output error"), display(screen) as view:
        view(started(0))
        screen.gone = True
        while time.monotonic() < deadline:
            view(epoch(0, 1, 0.5))
        pytest.fail("nobody was told")
