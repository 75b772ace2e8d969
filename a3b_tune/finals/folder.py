"""A folder of files that appears whole or not at all.

Knows nothing of what is in the files.
"""

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from a3b_tune.errors import InputError


def check_target(path: Path, known: tuple[str, ...], *, force: bool = False) -> None:
    """Refuses, before anything is worked out, a place where `put_folder` could not put a folder.

    :param known: files that may be there if `force` says so; a folder that holds anything else is
        never replaced.
    :raises InputError: something is there already, or nothing can be written there.
    """
    parent = path.absolute().parent
    if not parent.is_dir():
        raise InputError(f"{path}: there is no folder {parent}")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: permission denied in {parent}")
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path}: is there already and is no folder")
    here = sorted(entry.name for entry in path.iterdir()) if path.exists() else []
    foreign = [name for name in here if name not in known]
    if foreign:
        raise InputError(f"{path}: is there already and holds {foreign[0]!r:.60}; name another one")
    if here and not force:
        raise InputError(f"{path}: is there already; add --force to replace it, or name another")


def put_folder(
    path: Path, files: Mapping[str, bytes], known: tuple[str, ...], *, force: bool = False
) -> None:
    """Puts a folder with these files at `path`. It is written beside and then renamed, so that
    whoever looks finds all of it or none.

    :raises InputError: as `check_target`, or it cannot be written; nothing of it is left then.
    """
    check_target(path, known, force=force)
    whole = path.absolute()
    beside = whole.with_name(f".{whole.name}.{os.getpid()}-{secrets.token_hex(4)}")
    old = beside.with_name(f"{beside.name}.old")
    try:
        beside.mkdir()
        for name, content in files.items():
            _write(beside / name, content)
        if whole.exists():
            whole.rename(old)
        beside.rename(whole)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    finally:
        _settle(whole, beside, old)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _settle(whole: Path, beside: Path, old: Path) -> None:
    """Nothing is left beside; where the new folder did not get there, the old one is back."""
    shutil.rmtree(beside, ignore_errors=True)
    if old.exists() and not whole.exists():
        with suppress(OSError):
            old.rename(whole)
    shutil.rmtree(old, ignore_errors=True)
