"""From a storage URL to an open storage, or one clear line.

Knows which databases there are and what can be wrong with them; never prints a password.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

import optuna
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from a3b_tune.errors import InputError, unknown
from a3b_tune.storage.database import Storage

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

DEFAULT_URL = "sqlite:///a3b-tune.db"
SCHEMES = ("sqlite", "postgresql")
# How long a database that another program holds locked is waited for at the start, in seconds.
OPEN_TIMEOUT = 5.0


def storage_url(asked: str | None) -> str:
    """The URL that was asked for, else `A3B_TUNE_STORAGE`, else one file in this folder."""
    if asked == "":
        raise InputError("--storage is empty; leave it out for the default, or name a storage URL")
    return asked or os.environ.get("A3B_TUNE_STORAGE") or DEFAULT_URL


def shown_url(url: str) -> str:
    """The URL with its password hidden; of what is no URL, neither what stands before an @ nor
    what stands behind a ?."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or _host_holds_password(parsed):
        _, at, rest = url.partition("?")[0].rpartition("@")
        return f"…@{rest}" if at else rest
    secret = [key for key in parsed.query if "password" in key.lower()]
    return parsed.difference_update_query(secret).render_as_string(hide_password=True)


def _host_holds_password(url: URL) -> bool:
    """An @ that was not written %40 ends the password too early: its rest is read as a host."""
    return "@" in (url.host or "")


def open_storage(asked: str | None = None, *, create: bool = False) -> Storage:
    """Opens the database of a storage URL.

    :param create: make the database file and its tables where there are none, and be able to
        write; without it nothing is written.
    :raises InputError: wrong scheme, no such file or server, locked, read-only, not a database, of
        another version of Optuna.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = storage_url(asked)
    parsed = check_url(asked, create=create)
    try:
        return Storage(parsed.render_as_string(hide_password=False), writable=create)
    except ImportError:
        raise InputError(
            f"{shown_url(url)}: Postgres needs its driver: pip install 'a3b-tune[postgres]'"
        ) from None
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise InputError(f"{shown_url(url)}: {_cause(error)}") from None
    except RuntimeError as error:
        raise InputError(f"{shown_url(url)}: {_older(str(error))}") from None


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
    parsed = _parse(storage_url(asked))
    if parsed.get_backend_name() == "sqlite":
        _check_sqlite(parsed, create)
    return parsed


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise InputError(
            f"--storage {shown_url(url)}: not a storage URL; write sqlite:///FILE.db or "
            "postgresql://USER@HOST/DATABASE"
        ) from None
    if backend not in SCHEMES:
        raise InputError(f"--storage: {unknown('storage scheme', backend, SCHEMES)}")
    if _host_holds_password(parsed):
        raise InputError(f"--storage {shown_url(url)}: in a name or a password write %40 for @")
    drivers = {"postgresql": "postgresql+psycopg", "sqlite": "sqlite"}
    return parsed.set(drivername=drivers[backend])


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
    """What a database error in mid-run means to a person, or None if it is no such error."""
    if not isinstance(error, SQLAlchemyError | optuna.exceptions.StorageInternalError):
        return None
    cause = _cause(error)
    if "full" in cause:
        return f"the disk is full ({cause}); every finished trial is kept"
    return f"the storage failed ({cause}); every finished trial is kept"
