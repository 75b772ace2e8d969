"""A gzip file unpacked once, and any file's hash worked out once: both are remembered in a cache.

Reads and writes a block at a time, so that a file may be larger than the memory. Does not know what
is in a file. Everything here may be deleted at any moment; a name in the cache holds the file's
path, size and time, so a file that has changed is read again.
"""

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from a3b_tune.data.safe_pickle import BadFileError
from a3b_tune.errors import InputError

BLOCK = 2**20  # bytes read at a time


def mapped(path: Path) -> Tensor:
    """(N,) uint8 the bytes of a file, on disk until they are read.

    The mapping is private: the file cannot be changed through it, and as torch may then think that
    it can be written to, it has nothing to warn of. Raises OSError; BadFileError for an empty file.
    """
    if path.stat().st_size == 0:
        raise BadFileError("empty")
    return torch.from_numpy(np.memmap(path, np.uint8, mode="c"))


def unpacked(path: Path, cache: Path, limit: int | None = None) -> Path:
    """Where in `cache` the unpacked bytes of the gzip file `path` lie.

    Raises BadFileError for a file that is not gzip, cut short, damaged or more than `limit` bytes,
    and OSError where the cache cannot be written; then nothing is left behind.
    """
    target = _place(path, cache, "bytes")
    if target.is_file():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=cache) as folder:
        new = Path(folder) / target.name
        with new.open("wb") as file:
            gunzip(path, file.write, limit)
        new.replace(target)
    _forget_older(target)
    return target


def cannot_unpack(path: Path, cache: Path, error: OSError) -> InputError:
    """What to say where `unpacked` met `error`."""
    reason = error.strerror or error
    if error.filename == str(path):
        return InputError(f"{path}: cannot be read ({reason})")
    return InputError(
        f"{path}: cannot be unpacked into {cache} ({reason}); make room, or name another place with"
        " --data-dir or XDG_CACHE_HOME"
    )


def gunzip(path: Path, take: Callable[[bytes], object], limit: int | None = None) -> int:
    """Gives the unpacked bytes to `take`, block by block; how many they were.

    Raises BadFileError as `unpacked` does, and what `take` and the disk raise.
    """
    came = 0
    with path.open("rb") as raw, gzip.open(raw) as packed:
        while block := _next(packed):
            came += len(block)
            if limit is not None and came > limit:
                raise BadFileError(f"more than {limit:,} bytes when unpacked")
            take(block)
    return came


def file_hash(path: Path, cache: Path) -> str:
    """SHA-256 of a file's bytes; remembered where `cache` can be written."""
    note = _place(path, cache, "sha256")
    if note.is_file() and len(known := note.read_text("ascii")) == 64:
        return known
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with suppress(OSError):  # then the next one to ask reads the file again
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=cache) as folder:
            new = Path(folder) / note.name
            new.write_text(digest, "ascii")
            new.replace(note)
        _forget_older(note)
    return digest


def _next(packed: gzip.GzipFile) -> bytes:
    try:
        return packed.read(BLOCK)
    except EOFError as error:
        raise BadFileError("cut short") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadFileError(f"not gzip, or damaged ({error})") from error


def _place(path: Path, cache: Path, kind: str) -> Path:
    """The name in the cache: the file's own, its path's and its state's."""
    about = path.stat()
    state = _short(f"{about.st_size} {about.st_mtime_ns}")
    return cache / f"{path.name}-{_short(str(path.resolve()))}-{state}.{kind}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _forget_older(target: Path) -> None:
    """Removes what an earlier state of the same file left; whoever still maps it keeps it."""
    stem, _, _ = target.stem.rpartition("-")
    for other in target.parent.iterdir():
        if other != target and other.suffix == target.suffix and other.name.startswith(f"{stem}-"):
            with suppress(OSError):  # another process was faster, or Windows keeps it
                other.unlink()
