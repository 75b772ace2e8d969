"""Real signals, sent to real child processes; a child says when it is ready for them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest

from a3b_tune.cli.interrupt import Interrupt

PATIENCE = 60.0  # seconds; nothing here takes one

POLITE = """
import time
from a3b_tune.cli.interrupt import Interrupt

with Interrupt(lambda reason: print("first", reason, flush=True)) as stop:
    print("ready", stop(), flush=True)
    while not stop():
        time.sleep(0.01)
    print("asked to stop by", stop(), flush=True)
"""
STUBBORN = """
import time
from a3b_tune.cli.interrupt import Interrupt

try:
    with Interrupt(lambda reason: print("first", reason, flush=True)):
        print("ready", flush=True)
        while True:
            time.sleep(0.01)
finally:
    print("took its time", flush=True)
"""
# While SQLite waits for a lock, no line of Python runs in the main thread.
WAITING = """
import sqlite3, sys
from a3b_tune.cli.interrupt import Interrupt

holder = sqlite3.connect(sys.argv[1], isolation_level=None)
waiter = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=600)
holder.execute("BEGIN IMMEDIATE")
with Interrupt(lambda reason: None):
    print("ready", flush=True)
    waiter.execute("BEGIN IMMEDIATE")
"""


@contextmanager
def child(code, *arguments):
    """A process that runs the code and has said that it is ready."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().startswith("ready")
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")]
)
def test_the_first_signal_asks_and_the_program_ends_as_it_likes(number, reason):
    with child(POLITE) as process:
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE)
    assert out.splitlines() == [f"first {reason}", f"asked to stop by {reason}"]
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (signal.SIGINT, signal.SIGINT, 130),
        (signal.SIGTERM, signal.SIGTERM, 143),
        (signal.SIGTERM, signal.SIGINT, 130),
    ],
)
def test_the_second_ends_at_once(first, second, code):
    with child(STUBBORN) as process:
        process.send_signal(first)
        assert process.stdout.readline().startswith("first")
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            # What follows at once may be the echo of the first: sent until it has gone.
            process.send_signal(second)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
        out = process.stdout.read()
    assert process.returncode == code
    assert out == ""


def test_the_second_ends_even_a_wait_for_a_locked_database(tmp_path):
    with child(WAITING, tmp_path / "locked.db") as process:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            # Two signals that arrive together count as one: sent until it has gone.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                assert process.returncode is None
        assert process.returncode == 130


def test_signals_are_handled_as_before_once_it_is_left():
    def own(number, frame):
        caught.append(number)

    caught, told = [], []
    before = {number: signal.signal(number, own) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Interrupt(told.append) as stop:
            assert stop() is None
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop() == "SIGTERM"
        assert caught == []
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert signal.set_wakeup_fd(-1) == -1
    assert caught == [signal.SIGINT, signal.SIGTERM]
    assert told == ["SIGTERM"]


def test_one_that_is_left_by_an_error_leaves_no_handler_behind():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="out"), Interrupt(lambda reason: None):
        assert signal.getsignal(signal.SIGINT) != before
        raise ValueError("out")
    assert signal.getsignal(signal.SIGINT) is before
