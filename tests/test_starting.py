"""Processes that are forked from a server: what they have of the one that asked for them."""

import errno
import os
import signal
import subprocess
import sys
from multiprocessing import forkserver
from pathlib import Path

import pytest

from a3b_tune.errors import InputError
from a3b_tune.starting import FORKS, context, orphaned, start
from tests.commands import PATIENCE


def tell(sender):
    deaf = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    sender.send((Path.cwd(), os.environ.get("A3B_OF_THE_TEST"), deaf, blocked, orphaned()))


def told():
    receiver, sender = context.Pipe(duplex=False)
    process = start(tell, sender)
    sender.close()
    found = receiver.recv()
    process.join()
    assert process.exitcode == 0
    return found


def test_it_has_the_folder_and_environment_of_now_and_is_deaf_to_the_terminal(
    tmp_path, monkeypatch
):
    ignored = [signal.SIG_IGN] * 3
    monkeypatch.setenv("A3B_OF_THE_TEST", "one")
    assert told()[1:] == ("one", ignored, set(), False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("A3B_OF_THE_TEST")
    assert told() == (tmp_path, None, ignored, set(), False)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


def lead(sender):
    """Starts a process and waits to be killed."""
    start(wait_until_orphaned, sender)
    signal.pause()


def wait_until_orphaned(sender):
    sender.send("here")
    while not orphaned():
        pass
    sender.send("alone")


def test_it_knows_when_the_one_that_started_it_was_killed():
    receiver, sender = context.Pipe(duplex=False)
    first = context.Process(target=lead, args=(sender,))
    first.start()
    sender.close()
    assert receiver.recv() == "here"
    first.kill()
    assert receiver.poll(PATIENCE)
    assert receiver.recv() == "alone"
    first.join()


@pytest.mark.skipif(not FORKS, reason="processes are not forked here")
def test_a_server_that_was_killed_is_replaced():
    assert told()
    server = forkserver._forkserver._forkserver_pid
    os.kill(server, signal.SIGKILL)
    os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)
    assert told()
    assert forkserver._forkserver._forkserver_pid != server


@pytest.mark.skipif(not FORKS, reason="processes are not forked here")
def test_a_command_that_ends_takes_its_server_along(tmp_path):
    """Whatever the server still imports: who reads the command's output is not kept waiting."""
    (tmp_path / "endless.py").write_text("import threading; threading.Event().wait()")
    code = "from a3b_tune.starting import prepare; prepare('endless'); raise SystemExit(2)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (2, b"")


def test_a_machine_without_room_is_one_line(monkeypatch):
    def full(process):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(context.Process, "start", full)
    with pytest.raises(InputError, match="no process could be started: Resource temporarily"):
        start(tell, None)
