"""Wikipedia as the course has it: enwik8, the first 10^8 bytes of an English dump, as bytes.

The file is unpacked once into the cache and mapped from there; it is never in memory as a whole.
Does not download (that is `fetch`), and knows nothing of models.
"""

from pathlib import Path

from a3b_tune.data import places
from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.safe_pickle import BadFileError
from a3b_tune.data.text import Text
from a3b_tune.data.unpacked import cannot_unpack, file_hash, gunzip, mapped, unpacked
from a3b_tune.errors import InputError

FILE = "enwik8.gz"
SIZE = 10**8  # bytes, unpacked
PACKED_LIMIT = 2**26  # bytes; the file has 36 MB
TRAIN, VALIDATION = 0.90, 0.05  # the rest is for the test


def load(data_dir: Path | None = None, *, final: bool = False) -> Text:
    """The first 90 % of the bytes to train on, 5 % to validate and 5 % to test; with `final` the
    validation bytes are trained on as well, and the test bytes validate.

    Raises InputError where the file is missing or not what it should be.
    """
    folder = places.data_dir(data_dir)
    path, again = folder / FILE, f"`a3b-tune data fetch wp --data-dir {folder}`"
    cache = places.cache_dir(folder)
    if not path.is_file():
        raise InputError(f"{path}: no such file; {again} gets it, or place it there by hand")
    try:
        raw = unpacked(path, cache, SIZE)
        whole = mapped(raw)
        _check(len(whole))
        digest = file_hash(raw, cache)
    except BadFileError as error:
        raise InputError(f"{path}: {error}; delete it and get it again with {again}") from error
    except OSError as error:
        raise cannot_unpack(path, cache, error) from error
    first, second = round(SIZE * TRAIN), round(SIZE * (TRAIN + VALIDATION))
    train, validation, test = whole[:first], whole[first:second], whole[second:]
    if final:
        train, validation = whole[:second], test
    alphabet = Alphabet.of_bytes()
    return Text("wp", train, validation, test, alphabet, unit="byte", file_hash=digest)


def check_file(path: Path) -> None:
    """Raises BadFileError unless the whole file can be unpacked to as many bytes as enwik8 has."""
    _check(gunzip(path, lambda block: None, SIZE))


def _check(size: int) -> None:
    if size != SIZE:
        raise BadFileError(
            f"{size:,} bytes when unpacked, where enwik8 has {SIZE:,} (any other file:"
            ' data.name = "text", tokens = "bytes")'
        )
