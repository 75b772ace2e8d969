"""Gets a data file from its address: complete and checked, or nothing at all.

The `wget` package moves the bytes; it has no timeout, no check and leaves its pieces behind, so it
works in a new empty folder beside the target, under a socket timeout, and only a file that has been
read to its end is renamed into place. Does not know what is done with the data.
"""

import http.client
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import ContentTooShortError, HTTPError, URLError

import wget
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

from a3b_tune.data import glove, imdb, places, wp
from a3b_tune.data.safe_pickle import BadFileError
from a3b_tune.errors import InputError, unknown

# Called with the bytes that have come and the bytes in all, None where the server does not say.
Report = Callable[[int, int | None], None]
BLOCK = 8192  # bytes that urllib, below wget, reads at a time


class Source(NamedTuple):
    """A data set's file, the folder it is in (without the scheme), the most bytes it may have, the
    check that raises BadFileError for a wrong one, and the schemes to try, in their order."""

    file: str
    folder: str
    limit: int
    check: Callable[[Path], None]
    schemes: tuple[str, ...] = ("https", "http")


WP = "codeberg.org/pbm/former/raw/branch/master/data"
SOURCES = {
    "imdb": Source(imdb.FILE, "dlvu.github.io/data", imdb.PACKED_LIMIT, imdb.check_file),
    "wp": Source(wp.FILE, WP, wp.PACKED_LIMIT, wp.check_file, ("https",)),
    "glove": Source(
        glove.FILE, "nlp.stanford.edu/data", glove.PACKED_LIMIT, glove.check_file, ("https",)
    ),
}


def fetch(
    name: str,
    data_dir: Path | None = None,
    *,
    base: str | None = None,
    timeout: float = 30.0,
    report: Report | None = None,
) -> Path:
    """The path of the data set's file in the data folder, fetched unless it is there already.

    The source's schemes are tried one after the other; `base` is another folder to take the file
    from. `timeout` is how many seconds the server may be silent; it is the whole process's socket
    timeout for as long.
    Raises InputError, which says what failed at each address and where to place the file by hand.
    """
    if name not in SOURCES:
        raise InputError(unknown("data set to fetch", name, SOURCES))
    source, folder = SOURCES[name], places.data_dir(data_dir)
    target = folder / source.file
    if target.exists():
        return target
    bases = [base] if base else [f"{scheme}://{source.folder}" for scheme in source.schemes]
    failed = []
    for start in bases:
        address = f"{start.rstrip('/')}/{source.file}"
        with _new_folder(folder) as new:
            try:
                _download(address, new / source.file, source.limit, timeout, report)
                source.check(new / source.file)
                return (new / source.file).replace(target)
            except (OSError, http.client.HTTPException, BadFileError) as error:
                # A server's own words may hold what a terminal would obey.
                reason = "".join(filter(str.isprintable, _reason(error)))
                failed.append(f"{address}: {reason}")
    raise InputError(f"{name}: {'; '.join(failed)}; place {source.file} in {folder} by hand")


@contextmanager
def progress_bar(name: str) -> Iterator[Report]:
    """A report that draws a bar on stderr, and draws nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        yield lambda came, total: progress.update(task, completed=came, total=total)


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """An empty folder inside `folder`, gone at the end with all that is left in it; so is `folder`
    where it was made for this and holds nothing."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new = tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder)
    except OSError as error:
        raise InputError(
            f"{folder}: nothing can be written there ({error.strerror}); name another folder with"
            f" --data-dir or {places.VARIABLE}"
        ) from error
    try:
        with new as path:
            yield Path(path).absolute()
    finally:
        for made in missing:
            if not any(made.iterdir()):
                made.rmdir()


def _download(
    address: str, target: Path, limit: int, timeout: float, report: Report | None
) -> None:
    # An absolute path also keeps wget's own temporary file out of the working directory.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(timeout)
    try:
        wget.download(address, out=str(target), bar=_watch(limit, report))
    finally:
        socket.setdefaulttimeout(before)


def _watch(limit: int, report: Report | None) -> Callable[[int, int, int], str]:
    """wget's bar: counts the blocks itself, as wget loses count where the total is not known, and
    ends a transfer that is far too large."""
    blocks = 0

    def bar(_current: int, total: int, _width: int) -> str:
        nonlocal blocks
        came, blocks = blocks * BLOCK, blocks + 1
        if max(came, total) > limit:
            raise BadFileError(f"more than {limit:,} bytes")
        if report is not None:
            report(min(came, total) if total > 0 else came, total if total > 0 else None)
        return ""

    return bar


def _reason(error: Exception) -> str:
    """One clause, without Python's names."""
    if isinstance(error, HTTPError):
        return f"{error.code} {error.reason}"
    if isinstance(error, ContentTooShortError):
        return "the transfer was cut off"
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        return _reason(error.reason)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
