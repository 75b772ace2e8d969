"""The IMDb reviews of the course, words: from the course's file, or from the cache made of it.

Does not download (that is `fetch`), and knows nothing of models. The file is data from the network:
`safe_pickle` and `reviews` say how it is read.
"""

import hashlib
from pathlib import Path
from random import Random

import torch

from a3b_tune.data import places, review_cache, reviews
from a3b_tune.data.dataset import Dataset
from a3b_tune.data.reviews import Part, Reviews
from a3b_tune.data.rows import Rows
from a3b_tune.data.safe_pickle import BadFileError
from a3b_tune.data.vocabulary import Vocabulary
from a3b_tune.errors import InputError

FILE = "imdb.word.pkl.gz"
CLASSES = ("positive", "negative")
VALIDATION = 5_000  # reviews of the training part
PACKED_LIMIT = 2**26  # bytes; the file has 18 MB
CACHE_FORMAT = 1


def load(data_dir: Path | None = None, *, seed: int = 0, final: bool = False) -> Dataset:
    """20 000 reviews to train on and 5 000 to validate, drawn from the training part with `seed` as
    the course draws them; with `final` the whole training part, and the test part to validate.

    Raises InputError where the file is missing or not what it should be.
    """
    found = _reviews(places.data_dir(data_dir))
    if final:
        train, validation = _rows(found.train), _rows(found.test)
    else:
        held = _held_out(len(found.train.labels), seed)
        train, validation = _rows(found.train, ~held), _rows(found.train, held)
    return Dataset("imdb", train, validation, Vocabulary.of_index(found.words), CLASSES)


def read_file(path: Path) -> bytes:
    """The bytes of the file. Raises BadFileError where they are far too many."""
    size = path.stat().st_size
    if size > PACKED_LIMIT:
        raise BadFileError(f"{size:,} bytes, where at most {PACKED_LIMIT:,} can be right")
    return path.read_bytes()


def check_file(path: Path) -> None:
    """Raises BadFileError unless the whole file can be read as the course's reviews."""
    _parsed(read_file(path))


def _reviews(folder: Path) -> Reviews:
    path, again = folder / FILE, f"`a3b-tune data fetch imdb --data-dir {folder}`"
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file; {again} gets it, or place it there by hand")
        packed = read_file(path)
        digest = hashlib.sha256(packed).hexdigest()
        cache = places.cache_dir(folder) / f"imdb.word-{digest[:16]}-{CACHE_FORMAT}"
        return review_cache.load(cache) or _cached(_parsed(packed), cache)
    except BadFileError as error:
        raise InputError(f"{path}: {error}; delete it and get it again with {again}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _parsed(packed: bytes) -> Reviews:
    found = reviews.parse(packed)
    if len(found.train.labels) <= VALIDATION:
        raise BadFileError(f"only {len(found.train.labels)} reviews to train on")
    return found


def _cached(found: Reviews, cache: Path) -> Reviews:
    try:
        review_cache.save(found, cache)
    except OSError as error:
        raise InputError(
            f"{cache}: the cache cannot be written ({error.strerror or error}); make room, or name"
            " another place in XDG_CACHE_HOME"
        ) from error
    return found


def _held_out(rows: int, seed: int) -> torch.Tensor:
    """(N,) True for the validation rows, by the draw that the course makes."""
    held = torch.zeros(rows, dtype=torch.bool)
    held[Random(seed).sample(range(rows), k=VALIDATION)] = True
    return held


def _rows(part: Part, chosen: torch.Tensor | None = None) -> Rows:
    """The chosen rows of a part, all by default; their tokens stay where they are."""
    tokens, lengths, labels = (torch.from_numpy(values) for values in part)
    return Rows.from_flat(tokens, lengths, labels, chosen)
