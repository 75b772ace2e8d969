"""The world as it should not be: files, data, storages and disks for the tests of bad input.

A world is made in an empty folder; what must be undone is left to the stack.
"""

import os
import shlex
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import optuna
import pytest
import torch

from a3b_tune.cli.app import run
from a3b_tune.data import imdb
from a3b_tune.storage import opening
from a3b_tune.storage.database import DatabaseStorage
from a3b_tune.storage.opening import open_storage
from tests.commands import small_imdb

# What stands behind each command that would search: were it not refused, it would end soon.
SOON = "--trials 1 --workers 1 --set training.epochs=1 --set data.rows=64"
SOON_ON_TEXT = (
    "--trials 1 --workers 1 --pruner none --set training.steps=10 --set training.evaluate_every=10 "
    "--set data.characters=20000 --set training.final_batches=0"
)
URL = "sqlite:///a3b-tune.db"

World = Callable[[Path, ExitStack], None]


def files(**contents: bytes | str) -> World:
    """A world with these files; `__` in a name is a dot."""

    def make(here: Path, _stack: ExitStack) -> None:
        for name, content in contents.items():
            path = here / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return make


def table(rows: str | bytes | None, name: str = "rows.csv", more: str = "") -> World:
    """A table of one's own, or none where it should be, and a study file that names it."""
    study = (
        f'[study]\nname = "mine"\n[data]\nname = "table"\npath = "{name}"\n{more}\n'
        '[model]\nname = "baseline"\nwidth = 4\n[training]\nepochs = 1\n'
    )
    known = {} if rows is None else {name.replace(".", "__"): rows}
    return files(mine__toml=study, **known)


def text(content: bytes | str | None, name: str = "mine.txt") -> World:
    """A text of one's own (or a folder, or nothing, where it should be), and a study file that
    names it."""
    study = (
        f'[study]\nname = "mine"\ntrials = 1\n[data]\nname = "text"\npath = "{name}"\n'
        'max_length = 16\n[model]\nname = "causal_transformer"\nhead_width = 4\n'
        "[training]\nsteps = 10\nevaluate_every = 10\nfinal_batches = 0\n"
    )

    def make(here: Path, _stack: ExitStack) -> None:
        (here / "text.toml").write_text(study)
        if content == "folder":
            (here / name).mkdir()
        elif isinstance(content, bytes):
            (here / name).write_bytes(content)

    return make


def reviews(change: Callable[[bytes], bytes]) -> World:
    """A data folder whose file of reviews is not as it should be."""

    def make(here: Path, _stack: ExitStack) -> None:
        path = small_imdb(here / "data") / imdb.FILE
        path.write_bytes(change(path.read_bytes()))

    return make


class Innocent:
    """A pickle of it calls `print`; one of a stranger calls something else."""

    def __reduce__(self):
        return print, ("called",)


def no_gpu(_here: Path, _stack: ExitStack) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")


def postgres(_here: Path, _stack: ExitStack) -> None:
    pytest.importorskip("psycopg", reason="the driver of Postgres is an extra")


def a_study(here: Path, _stack: ExitStack) -> None:
    """A storage that holds a study of this very command, made with other settings."""
    assert run(shlex.split(f"xor {SOON} --set optimizer.lr=0.1")) == 0


def not_a_database(here: Path, _stack: ExitStack) -> None:
    (here / "a3b-tune.db").write_text("a letter, not a database\n" * 100)


def of_another_program(here: Path, stack: ExitStack) -> None:
    storage = open_storage(URL, create=True)
    optuna.create_study(study_name="xor", storage=storage)
    stack.callback(storage.engine.dispose)


def of_version(version: str) -> World:
    def make(here: Path, stack: ExitStack) -> None:
        open_storage(URL, create=True).engine.dispose()
        with closing(sqlite3.connect("a3b-tune.db")) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))

    return make


def locked(here: Path, stack: ExitStack) -> None:
    """Another program writes and does not end; the wait for it is cut to a moment."""
    open_storage(URL, create=True).engine.dispose()
    holder = stack.enter_context(closing(sqlite3.connect("a3b-tune.db", isolation_level=None)))
    holder.execute("BEGIN IMMEDIATE")
    stack.enter_context(pytest.MonkeyPatch.context()).setattr(opening, "OPEN_TIMEOUT", 0.2)


def read_only(with_study: bool) -> World:
    """A folder that may only be read, with a storage or empty: by its mode, or for root, who may
    write anywhere, as a mount."""

    def make(here: Path, stack: ExitStack) -> None:
        folder = here / "fixed"
        folder.mkdir()
        if os.geteuid() == 0:
            stack.enter_context(mounted(folder, "size=1m"))
        if with_study:
            open_storage(f"sqlite:///{folder}/x.db", create=True).engine.dispose()
        if os.geteuid() == 0:
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
            return
        for path in (*folder.iterdir(), folder):
            path.chmod(path.stat().st_mode & ~0o222)
            stack.callback(path.chmod, path.stat().st_mode | 0o200)

    return make


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small disk of its own, in memory."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk to fill")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def small_disk(size: str) -> World:
    def make(here: Path, stack: ExitStack) -> None:
        (here / "disk").mkdir()
        stack.enter_context(mounted(here / "disk", f"size={size}"))

    return make


def disk_that_fills_before_the_study(here: Path, stack: ExitStack) -> None:
    """Room enough for the tables, and none any more when the study is written."""
    small_disk("1m")(here, stack)
    create = DatabaseStorage.create_whole_study
    fill_up = here / "disk" / "filler"
    fill_up.touch()

    def full(self, *what, **more):
        with fill_up.open("ab", buffering=0) as filler, suppress(OSError):
            while filler.write(bytes(4096)):
                continue
        create(self, *what, **more)

    stack.enter_context(pytest.MonkeyPatch.context()).setattr(
        DatabaseStorage, "create_whole_study", full
    )


def study_and_full_disk(here: Path, stack: ExitStack) -> None:
    a_study(here, stack)
    small_disk("4k")(here, stack)
    (here / "disk" / "filler").write_bytes(bytes(4096))
