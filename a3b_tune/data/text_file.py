"""A user's own text as a data set: a file of UTF-8 characters, or of bytes; `.gz` is unpacked.

Bytes stay in the file (or, unpacked, in the cache) and are mapped from there. The alphabet of a
text is its own characters by falling count: no special tokens, as nothing pads or begins it.
Knows nothing of models or of study files.
"""

import hashlib
from pathlib import Path

from torch import Tensor

from a3b_tune.data import places
from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.safe_pickle import BadFileError
from a3b_tune.data.text import Text
from a3b_tune.data.unpacked import cannot_unpack, file_hash, gunzip, mapped, unpacked
from a3b_tune.errors import InputError, unknown

TOKENS = ("characters", "bytes")


def load(
    path: Path,
    tokens: str = "characters",
    *,
    split: float = 0.05,
    data_dir: Path | None = None,
    final: bool = False,
) -> Text:
    """The share `split` of the tokens validates and as much again is for a test, in the file's
    order: the first part is trained on, the last one is the test; with `final` the tokens that
    validate are trained on as well, and those of the test validate.

    Raises InputError, naming the file: no such file, not UTF-8, empty, a gz that is cut short, a
    split that leaves a part empty.
    """
    if tokens not in TOKENS:
        raise InputError(f"data.tokens: {unknown('kind of token', tokens, TOKENS)}")
    try:
        if tokens == "bytes":
            found, alphabet, digest = _bytes(path, places.cache_dir(places.data_dir(data_dir)))
        else:
            found, alphabet, digest = _characters(path)
    except BadFileError as error:
        raise InputError(f"{path}: {error}") from error
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    held = round(len(found) * split)
    if held < 1 or len(found) <= 2 * held:
        raise InputError(
            f"{path}: a split of {split:g}, for validation and again for the test, leaves a part of"
            f" its {len(found)} {alphabet.unit}s empty; data.split goes up to 0.5"
        )
    first, second = len(found) - 2 * held, len(found) - held
    parts = (found[:first], found[first:second], found[second:])
    if final:
        parts = (found[:second], found[second:], found[second:])
    return Text("text", *parts, alphabet, unit=alphabet.unit, file_hash=digest)


def _bytes(path: Path, cache: Path) -> tuple[Tensor, Alphabet, str]:
    raw = path
    if path.suffix == ".gz":
        path.stat()  # a file that is missing is no matter of the cache
        try:
            raw = unpacked(path, cache)
        except OSError as error:
            raise cannot_unpack(path, cache, error) from error
    return mapped(raw), Alphabet.of_bytes(), file_hash(raw, cache)


def _characters(path: Path) -> tuple[Tensor, Alphabet, str]:
    raw = _whole(path)
    text = _decoded(raw)
    if not text:
        raise BadFileError("empty")
    alphabet = Alphabet.of_counts(text)
    return alphabet.encode(text), alphabet, hashlib.sha256(raw).hexdigest()


def _whole(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    blocks: list[bytes] = []
    gunzip(path, blocks.append)
    return b"".join(blocks)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, byte = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise BadFileError(
            f"line {line}, byte {byte}: not UTF-8 (0x{raw[error.start]:02x}); data.tokens ="
            ' "bytes" takes any file'
        ) from error
