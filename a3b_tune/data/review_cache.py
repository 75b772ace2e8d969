"""Reviews as a folder of memory-mapped arrays and one JSON list: no pickle, opened in a moment.

Knows the arrays' layout, not the file they came from: the caller names the folder after its hash.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from a3b_tune.data.reviews import PARTS, Part, Reviews, check
from a3b_tune.data.safe_pickle import BadFileError

WORDS = "words.json"


def load(folder: Path) -> Reviews | None:
    """The reviews in `folder`, their arrays mapped copy-on-write; None where it is missing, damaged
    or half there, and so has to be made (again)."""
    try:
        words = json.loads((folder / WORDS).read_text("utf-8"))
        parts = [
            Part(*(_mapped(folder / f"{name}.{field}.npy") for field in Part._fields))
            for name in PARTS
        ]
        return check(Reviews([str(word) for word in words], *parts))
    except (OSError, ValueError, BadFileError):
        return None


def save(reviews: Reviews, folder: Path) -> None:
    """Writes the folder in one step: it is made under another name beside its place, then renamed.

    Whoever else makes it at the same moment makes the same. Raises OSError (disk full, no right to
    write), and then leaves nothing behind.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as temporary:
        new = Path(temporary) / folder.name
        new.mkdir()
        for name, part in zip(PARTS, reviews[1:], strict=True):
            for field, values in part._asdict().items():
                np.save(new / f"{name}.{field}.npy", values, allow_pickle=False)
        (new / WORDS).write_text(json.dumps(reviews.words), "utf-8")
        if folder.exists() and load(folder) is None:
            shutil.rmtree(folder)
        if not folder.exists():
            _rename(new, folder)


def _rename(new: Path, folder: Path) -> None:
    try:
        new.rename(folder)
    except OSError:
        if load(folder) is None:  # not another process that was a moment faster
            raise


def _mapped(path: Path) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.lib.format.open_memmap(path, mode="c")  # reads no pickle
    if values.ndim != 1 or values.dtype not in (np.int32, np.int64):
        raise ValueError(f"{path} holds no list of whole numbers")
    return values
