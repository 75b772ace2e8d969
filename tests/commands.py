"""The command `a3b-tune` as a test gives it: in this process, or in a child as a person would."""

import gzip
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO

from a3b_tune.cli.app import main, run
from a3b_tune.data import imdb
from a3b_tune.starting import context, prepare
from a3b_tune.workers import LIBRARIES
from tests.data.conftest import reviews

# Seconds after which a test gives up; on an idle machine nothing takes a tenth of it.
PATIENCE = 180.0
COMMAND = shutil.which("a3b-tune", path=str(Path(sys.executable).parent))

# A baseline that sees only the first word of xor never reaches 1.0: each trial runs all its epochs.
SMALL = [
    *("run", "baseline_xor", "--workers", "1", "--pool", "select", "--pruner", "none"),
    *("--set", "model.width=4", "--set", "training.batch_size=64", "--set", "data.rows=640"),
    *("--set", "training.epochs=2"),
]


def contents(folder: Path) -> list[str]:
    """Everything in a folder and below it, by name."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def answered(capsys, *arguments: str) -> str:
    """Runs a command that must succeed and complain of nothing: what it printed."""
    code = run(arguments)
    out, err = capsys.readouterr()
    assert (code, err) == (0, ""), err
    return out


def refused(capsys, *arguments: str) -> str:
    """Runs a command that must fail as a mistake does: its one line."""
    code = run(arguments)
    out, err = capsys.readouterr()
    assert code == 2, out + err
    assert out == ""
    return one_line(err)


def one_line(err: str) -> str:
    """The text on stderr, which must be one line of a3b-tune's and no traceback."""
    assert err.startswith("a3b-tune: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err[:-1]


def child(*arguments: str, timeout: float = PATIENCE, **options) -> subprocess.CompletedProcess:
    """Runs the installed command to its end."""
    assert COMMAND is not None
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=timeout, **options
    )


def small_imdb(folder: Path, rows: int = 5_050) -> Path:
    """A data folder with a small file in the format of the real one: 5 000 rows validate, the rest
    train."""
    folder.mkdir(exist_ok=True)
    (folder / imdb.FILE).write_bytes(gzip.compress(pickle.dumps(reviews(rows), 4), 1))
    return folder


class Running:
    """The installed command in a child process; its output goes to files outside its folder."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        assert COMMAND is not None
        number = len(list(folder.parent.glob("output-*")))
        self._output = folder.parent / f"output-{number}"
        with self._output.open("w") as output:
            self.process = self._begin(folder, arguments, output)

    def _begin(
        self, folder: Path, arguments: Sequence[str], output: IO[str]
    ) -> "subprocess.Popen[bytes] | ForkedProcess":
        return subprocess.Popen(
            [COMMAND, *arguments], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.wait()

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something is so, while the command runs."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"it ended before:\n{self.output}"
            assert time.monotonic() < deadline, f"it never came to that:\n{self.output}"
            time.sleep(0.02)

    def end(self) -> int:
        """Waits until it has ended: its exit code."""
        return self.process.wait(timeout=PATIENCE)


class Forked(Running):
    """The same command in a process that is forked from one that has imported what it needs, as
    the workers of a command are: where many processes are met in their middle, seconds of imports
    in each tell nothing."""

    def _begin(self, folder: Path, arguments: Sequence[str], output: IO[str]) -> "ForkedProcess":
        return ForkedProcess(folder, arguments, output.name)


class ForkedProcess:
    """What `subprocess.Popen` has, of a forked process."""

    def __init__(self, folder: Path, arguments: Sequence[str], output: str) -> None:
        prepare(*LIBRARIES)
        told = (str(folder), tuple(arguments), output, dict(os.environ))
        self._process = context.Process(target=_command, args=told)
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a3b-tune", timeout or 0.0)
        return self._process.exitcode


def _command(
    folder: str, arguments: Sequence[str], output: str, environment: Mapping[str, str]
) -> None:
    """The life of a forked command: with its own output and nobody else's answer to signals."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(output, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(written, stream)
    sys.argv = [str(COMMAND), *arguments]
    main(arguments)


def trials_begun(database: Path) -> list[int]:
    """The numbers of the running trials whose settings are stored: they are being trained."""
    if not database.exists():
        return []
    query = (
        "SELECT number FROM trials JOIN trial_user_attributes USING (trial_id)"
        " WHERE state = 'RUNNING' AND key = 'a3b:record'"
    )
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return [number for (number,) in connection.execute(query)]
        except sqlite3.OperationalError:  # its tables are being made
            return []
