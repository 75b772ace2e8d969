"""Word vectors of a text file with `word v1 … vn` on each line, as GloVe's, for a vocabulary.

The file is read once from its beginning, also inside a gz or zip, and only the vectors of words
that are wanted are kept. Trusts nothing in it. Does not know what is begun from the vectors.
"""

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from a3b_tune.data import places
from a3b_tune.data.safe_pickle import BadFileError
from a3b_tune.data.unpacked import file_hash
from a3b_tune.data.vocabulary import SPECIALS, Vocabulary
from a3b_tune.errors import InputError, unknown

FILE = "glove.6B.zip"
LENGTHS = (50, 100, 200, 300)
MEMBERS = tuple(f"glove.6B.{length}d.txt" for length in LENGTHS)
PACKED_LIMIT = 2**30  # bytes; the file has 862 MB
ENDINGS = (".txt", ".txt.gz", ".txt.zip")
LINE_LIMIT = 2**17  # bytes of a line; 300 numbers take 3 000
NUMBER = re.compile(rb"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?|[+-]?\.[0-9]+")
UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)


@dataclass(frozen=True, eq=False)
class Vectors:
    """`values` (N, C) float32 are the vectors of the words with the indices `words` (N,), of
    `vocabulary` words in all; `source` is the file's name, `digest` its SHA-256."""

    source: str
    digest: str
    words: Tensor
    values: Tensor
    vocabulary: int

    @property
    def length(self) -> int:
        """The numbers in a vector."""
        return self.values.shape[1]

    @property
    def coverage(self) -> str:
        """For how many words there is a vector, in words."""
        return f"vectors of {self.source} for {len(self.words):,} of {self.vocabulary:,} words"


def load_vectors(asked: str, vocabulary: Vocabulary, data_dir: Path | None = None) -> Vectors:
    """The vectors of a vocabulary's words, the special ones left out.

    :param asked: a file, or a name (glove.6B.100d) that is looked up in the data folder.
    :raises InputError: there is no such file, a line of it is no vector (which line is told), or it
        knows none of the words.
    """
    folder = places.data_dir(data_dir)
    path, member = find(asked, folder)
    where = path.name if member is None else f"{path.name}: {member}"
    try:
        with opened(path, member) as file:
            words, rows = _read(file, where, _places(vocabulary))
        digest = file_hash(path, places.cache_dir(folder))
    except UNREADABLE as error:
        raise InputError(f"data.embeddings: {path}: {_reason(error)}") from None
    if not rows:
        raise InputError(
            f"data.embeddings: {where} has no vector for any of the {len(vocabulary):,} words"
        )
    indices = torch.tensor(words, dtype=torch.int64)
    return Vectors(where, digest, indices, torch.tensor(rows), len(vocabulary))


def find(asked: str, folder: Path) -> tuple[Path, str | None]:
    """The file that holds the vectors, and which member of it where it is a zip of several.

    :raises InputError: there is none; what is looked for is told.
    """
    if Path(asked).is_absolute():
        path = Path(asked)
        if not path.is_file():
            raise InputError(f"data.embeddings: {asked}: no such file")
        return path, _only_member(path)
    for ending in ENDINGS:
        if (path := folder / f"{asked}{ending}").is_file():
            return path, _only_member(path)
    if asked.startswith("glove.6B.") and (folder / FILE).is_file():
        names = [name.removesuffix(".txt") for name in MEMBERS]
        if asked not in names:
            raise InputError(f"data.embeddings: {unknown('vectors', asked, names)}")
        return folder / FILE, f"{asked}.txt"
    raise InputError(
        f"data.embeddings: {asked!r} is not in {folder} (as {asked}.txt, .txt.gz, .txt.zip, or in"
        f" {FILE}); `a3b-tune data fetch glove` gets glove.6B, or name a file by its path"
    )


@contextmanager
def opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    """The text of a file, unpacked as it is read."""
    if member is not None:
        with zipfile.ZipFile(path) as packed, packed.open(member) as file:
            yield file
    elif path.suffix == ".gz":
        with path.open("rb") as raw, gzip.open(raw) as unzipped:
            yield unzipped  # type: ignore[misc]
    else:
        with path.open("rb") as plain:
            yield plain


def check_file(path: Path) -> None:
    """Raises BadFileError unless it is a whole zip with the four files of GloVe's 6B tokens."""
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
            if missing := [name for name in MEMBERS if name not in names]:
                raise BadFileError(f"no {missing[0]} in it")
            if (broken := packed.testzip()) is not None:
                raise BadFileError(f"{broken} in it is damaged")
    except UNREADABLE as error:
        raise BadFileError(f"not a zip, or cut short ({_reason(error)})") from error


def _only_member(path: Path) -> str | None:
    if path.suffix != ".zip":
        return None
    try:
        with zipfile.ZipFile(path) as packed:
            names = [name for name in packed.namelist() if not name.endswith("/")]
    except UNREADABLE as error:
        raise InputError(f"data.embeddings: {path}: {_reason(error)}") from None
    own = path.name.removesuffix(".zip").removesuffix(".txt") + ".txt"
    if len(names) != 1 and own not in names:
        raise InputError(f"data.embeddings: {path}: holds {len(names)} files, not one")
    return names[0] if len(names) == 1 else own


def _places(vocabulary: Vocabulary) -> dict[bytes, list[int]]:
    """The indices of each word; a word may stand twice."""
    found: dict[bytes, list[int]] = {}
    for index, word in enumerate(vocabulary.i2w[len(SPECIALS) :], len(SPECIALS)):
        found.setdefault(word.encode(), []).append(index)
    return found


def _read(
    file: IO[bytes], where: str, wanted: dict[bytes, list[int]]
) -> tuple[list[int], list[list[float]]]:
    """Indices of words and their vectors; of a word that comes twice the first counts."""
    lines = iter(lambda: file.readline(LINE_LIMIT), b"")
    first = next(lines, b"").rstrip(b" \r\n")
    length, skipped = _length(first, where)
    words, rows, left = [], [], dict(wanted)
    start = 2 if skipped else 1
    for number, line in enumerate(lines if skipped else chain([first], lines), start):
        word, *numbers = line.rstrip(b" \r\n").rsplit(b" ", length)
        if len(numbers) != length or len(line) >= LINE_LIMIT or _has_number(word):
            raise _malformed(where, number, f"is not a word and {length} numbers")
        if (places := left.pop(word, None)) is not None:
            vector = _numbers(numbers, where, number)
            words += places
            rows += [vector] * len(places)
    return words, rows


def _length(first: bytes, where: str) -> tuple[int, bool]:
    """How many numbers a vector has, by the first line, and whether that is a heading: two whole
    numbers, of words and of numbers, as word2vec and fastText have it."""
    parts = first.split(b" ")
    if len(parts) == 2 and all(part.isdigit() and len(part) < 10 for part in parts):
        return int(parts[1]), True
    # A word may have blanks in it: numbers are counted from the end.
    count = next((n for n, p in enumerate(reversed(parts)) if not NUMBER.fullmatch(p)), None)
    length = len(parts) - 1 if count is None else count
    if length < 1:
        raise _malformed(where, 1, "is not a word and its numbers")
    return length, False


def _has_number(word: bytes) -> bool:
    """Whether a number too many stands behind a word."""
    before, blank, last = word.rpartition(b" ")
    return bool(blank and before and NUMBER.fullmatch(last))


def _numbers(parts: list[bytes], where: str, number: int) -> list[float]:
    for part in parts:
        if not NUMBER.fullmatch(part) or not isfinite(float(part)):
            shown = ascii(part[:20].decode("utf-8", "replace"))
            raise _malformed(where, number, f"holds {shown}, which is no number")
    return [float(part) for part in parts]


def _malformed(where: str, number: int, what: str) -> InputError:
    return InputError(f"data.embeddings: {where}: line {number:,} {what}")


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "cut short"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).partition("\n")[0] or type(error).__name__
