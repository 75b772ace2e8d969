"""From a storage URL to an open storage, or one clear line.

Knows which databases there are and what can be wrong with them; never prints a password.
"""

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

import optuna
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from a3b_tune.errors import InputError
from a3b_tune.storage.addresses import PROXIES, parse, proxy_address, shown_url, storage_url
from a3b_tune.storage.database import DatabaseStorage
from a3b_tune.storage.patience import passes
from a3b_tune.storage.verbs import Storage

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "check_url",
    "nothing_half_made",
    "open_storage",
    "shown_url",
    "storage_url",
    "with_grpc",
    "world_error",
]

# How long a database that another program holds locked is waited for at the start, in seconds.
OPEN_TIMEOUT = 5.0
# Seconds between two tries to open a storage that is gone.
AGAIN = 1.0


def open_storage(asked: str | None = None, *, create: bool = False) -> Storage:
    """Opens the database of a storage URL, or connects to the proxy in front of one.

    :param create: make the database file and its tables where there are none, and be able to
        write; without it nothing is written. A proxy has made its tables.
    :raises InputError: wrong scheme, no such file or server, locked, read-only, not a database, of
        another version of Optuna; a proxy that does not know the token.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = storage_url(asked)
    parsed = check_url(asked, create=create)
    if parsed.get_backend_name() in PROXIES:
        return _connect(parsed)
    try:
        return DatabaseStorage(parsed.render_as_string(hide_password=False), writable=create)
    except ImportError:
        raise InputError(
            f"{shown_url(url)}: Postgres needs its driver: pip install 'a3b-tune[postgres]'"
        ) from None
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise InputError(f"{shown_url(url)}: {_cause(error)}") from None
    except RuntimeError as error:
        raise InputError(f"{shown_url(url)}: {_older(str(error))}") from None


def open_patiently(
    asked: str | None,
    patience: float,
    *,
    told: Callable[[str], None] = lambda text: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Storage:
    """Opens a storage to write to, waiting for one that is gone: workers may start before it does.

    :param patience: for how many seconds.
    :param told: hears, once, why it is waited for.
    :raises InputError: as `open_storage`.
    """
    end = time.monotonic() + patience
    waits = False
    while True:
        try:
            return open_storage(asked, create=True)
        except InputError as error:
            if not passes(error) or time.monotonic() > end or should_stop():
                raise
            if not waits:
                told(str(error))
            waits = True
            time.sleep(AGAIN)


@contextmanager
def with_grpc(where: str) -> Iterator[None]:
    """Around an import of what needs gRPC.

    :raises InputError: it is not installed, or too old.
    """
    try:
        yield
    except (ImportError, RuntimeError):
        # Optuna raises the latter for one that is too old.
        raise InputError(f"{where}: this needs gRPC: pip install 'a3b-tune[proxy]'") from None


def _connect(parsed: URL) -> Storage:
    address = proxy_address(parsed)
    with with_grpc(str(address)):
        from a3b_tune.storage.remote import RemoteStorage
    storage = RemoteStorage(address)
    storage.greet()
    return storage


@contextmanager
def nothing_half_made(asked: str | None) -> Iterator[None]:
    """Around the making of a study: if it fails, a database file that was made for it is taken away
    again, as long as it holds no study. Two commands that begin at once make it one after the
    other: Optuna's tables cannot be made by two at a time.

    :raises InputError: for an error of the database, as that its disk is full.
    """
    url = check_url(asked)
    path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    with _alone_in(path.parent) if path else nullcontext():
        new = path is not None and not path.exists()
        try:
            yield
        except Exception as error:
            if path is not None and new and not _holds_a_study(path):
                for suffix in ("", "-wal", "-shm", "-journal"):
                    Path(f"{path}{suffix}").unlink(missing_ok=True)
            if told := world_error(error):
                raise InputError(told) from error
            raise


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Waits until no other process is in here for the same folder. The lock is on the folder
    itself, leaves nothing behind and ends with the process."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems have no such lock; there two first commands may still collide.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _holds_a_study(path: Path) -> bool:
    """Whether a study is in this SQLite file, for all that can be seen."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            return connection.execute("SELECT 1 FROM studies").fetchone() is not None
    except sqlite3.Error as error:
        return "no such table" not in str(error)


def check_url(asked: str | None = None, *, create: bool = True) -> URL:
    """Refuses a storage URL that cannot be used, as far as that can be seen without making
    anything: before a long load of data, say.

    :raises InputError: as `open_storage`, but for what only a server can tell.
    """
    parsed = parse(storage_url(asked))
    if parsed.get_backend_name() in PROXIES:
        proxy_address(parsed)
    if parsed.get_backend_name() == "sqlite":
        _check_sqlite(parsed, create)
    return parsed


def _check_sqlite(url: URL, create: bool) -> None:
    if not url.database or url.database == ":memory:":
        raise InputError(f"--storage {url}: name a file, as in sqlite:///a3b-tune.db")
    if url.host or url.query:
        raise InputError(f"--storage {shown_url(str(url))}: sqlite takes a file and nothing else")
    path = Path(url.database)
    if not path.parent.is_dir():
        raise InputError(f"--storage {url}: the folder {path.parent} does not exist")
    if path.exists():
        if create and not os.access(path, os.W_OK):
            raise InputError(f"--storage {url}: {path} cannot be written (read-only)")
        _probe(url, path, create)
    elif not create:
        raise InputError(f"--storage {url}: no such file; is this the folder of your studies?")
    elif not os.access(path.parent, os.W_OK):
        raise InputError(f"--storage {url}: the folder {path.parent} cannot be written")


def _probe(url: URL, path: Path, create: bool) -> None:
    """Asks SQLite itself whether the file can be used, with a short patience."""
    mode = "rw" if create else "ro"
    try:
        with sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=OPEN_TIMEOUT,
            isolation_level=None,
        ) as connection:
            connection.execute("BEGIN IMMEDIATE" if create else "SELECT 1")
            connection.execute("SELECT name FROM sqlite_master").fetchall()
            if create:
                connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise InputError(f"--storage {url}: {_sqlite_text(str(error), path)}") from None


def _sqlite_text(text: str, path: Path) -> str:
    if "locked" in text:
        return f"another program has kept {path} locked for {OPEN_TIMEOUT:.0f} s"
    if "not a database" in text:
        return f"{path} is not a SQLite database"
    return text


def _cause(error: Exception) -> str:
    """The driver's own first line, in which no password ever stands."""
    under: BaseException = error.__cause__ or error
    if isinstance(under, DBAPIError) and under.orig is not None:
        under = under.orig
    line = str(under).strip().splitlines()[0]
    absent = "no such table" in line or ("relation" in line and "does not exist" in line)
    return "this database holds no studies" if absent else line


def _older(text: str) -> str:
    if "upgrade" in text:
        return (
            "made by an older Optuna; save a copy, then run `optuna storage upgrade --storage URL`"
        )
    return "made by a newer Optuna than the one installed; upgrade with `pip install -U optuna`"


def world_error(error: Exception) -> str | None:
    """What a storage's error in mid-run means to a person, or None if it is no such error."""
    if isinstance(error, SQLAlchemyError | optuna.exceptions.StorageInternalError):
        cause = _cause(error)
    elif (grpc := sys.modules.get("grpc")) and isinstance(error, grpc.RpcError):
        from a3b_tune.storage.transport import refusal

        cause = refusal(error)
    else:
        return None
    if "full" in cause:
        return f"the disk is full ({cause}); every finished trial is kept"
    return f"the storage failed ({cause}); every finished trial is kept"
