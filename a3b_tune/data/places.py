"""Where data files lie on this machine, and where a cache may be written.

Knows the environment and the platform's habits, nothing of any data set.
"""

import os
import sys
from pathlib import Path

VARIABLE = "A3B_TUNE_DATA"


def data_dir(given: Path | None = None) -> Path:
    """The folder asked for, else `A3B_TUNE_DATA`, else `a3b-tune/data` in the user's cache.

    It need not exist yet.
    """
    if given is not None:
        return given.expanduser()
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    return user_cache() / "a3b-tune" / "data"


def cache_dir(data: Path) -> Path:
    """`cache` inside the data folder; where nothing may be written there, `a3b-tune/cache` in the
    user's cache. It need not exist yet."""
    if writable(data):
        return data / "cache"
    return user_cache() / "a3b-tune" / "cache"


def writable(folder: Path) -> bool:
    """Whether files may be made in `folder`. A folder without any write bit is left alone even by
    root, who could."""
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return False
    return os.name == "nt" or bool(folder.stat().st_mode & 0o222)


def user_cache() -> Path:
    """The platform's folder for what may be deleted at any time."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local)
    return Path.home() / ".cache"
