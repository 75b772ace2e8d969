"""Texts to be answered, out of a file or a stream: a line each, or a column of a table.

They are read as they come: never more is in memory than a block and the longest line. Knows no
model.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from a3b_tune.data.table import FIELD_LIMIT
from a3b_tune.errors import InputError, unknown

BLOCK = 2**18  # bytes read at once
ROWS = 1024  # of a table in a block
TABLES = {".csv": ",", ".tsv": "\t"}
BOM = b"\xef\xbb\xbf"


def check(path: Path, column: str) -> None:
    """Reads an ordinary file through, so that what is wrong with it is said before any answer.

    :raises InputError: as `texts_of`.
    """
    try:
        if S_ISREG(path.stat().st_mode):
            for _ in texts_of(path, column):
                pass
    except OSError as error:
        raise _cannot(path, error) from None


def texts_of(path: Path, column: str) -> Iterator[list[str]]:
    """The texts of a file in blocks: of .csv and .tsv those of a column.

    :raises InputError: it cannot be read, is not UTF-8 (with line and byte), has no such column.
    """
    try:
        with path.open("rb", buffering=0) as raw, io.BufferedReader(raw, BLOCK) as stream:
            blocks = lines(stream, str(path))
            table = path.suffix.lower() in TABLES
            yield from _column(blocks, path, column) if table else blocks
    except OSError as error:
        raise _cannot(path, error) from None


def _cannot(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: {(error.strerror or str(error)).lower()}")


def lines(stream: BinaryIO, what: str) -> Iterator[list[str]]:
    """The lines of a stream, without their ends, as soon as they are there.

    :raises InputError: a line is not UTF-8.
    """
    done, rest = 0, b""
    while block := stream.read1(BLOCK):  # type: ignore[attr-defined]
        *whole, rest = (rest + block).split(b"\n")
        if whole:
            yield _decoded(whole, done, what)
            done += len(whole)
    if rest:
        yield _decoded([rest], done, what)


def _decoded(raw: list[bytes], done: int, what: str) -> list[str]:
    """The text of lines, of which `done` came before."""
    if done == 0:
        raw[0] = raw[0].removeprefix(BOM)
    try:
        return [line.removesuffix("\r") for line in b"\n".join(raw).decode().split("\n")]
    except UnicodeDecodeError:
        number, error = next(_bad(raw))
        byte, value = error.start + 1, error.object[error.start]
        raise InputError(
            f"{what}: line {done + number}, byte {byte}: not UTF-8 (0x{value:02x}); if it is"
            " Latin-1, convert it: iconv -f latin1 -t utf-8"
        ) from None


def _bad(raw: Iterable[bytes]) -> Iterator[tuple[int, UnicodeDecodeError]]:
    for number, line in enumerate(raw, 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            yield number, error


def _column(blocks: Iterator[list[str]], path: Path, column: str) -> Iterator[list[str]]:
    """The fields of one column; the header comes first. A blank line is no record."""
    text = (f"{line}\n" for block in blocks for line in block)
    reader = csv.reader(text, delimiter=TABLES[path.suffix.lower()], strict=True)
    limit = csv.field_size_limit(FIELD_LIMIT)
    found: list[str] = []
    try:
        header = next(reader, [])
        if column not in header:
            raise InputError(f"{path}: line 1: {unknown('column', column, header)}; see --column")
        place, begins = header.index(column), reader.line_num + 1
        for record in reader:
            if record and len(record) != len(header):
                raise InputError(
                    f"{path}: line {begins}: {len(record)} fields, but the header has {len(header)}"
                )
            begins = reader.line_num + 1
            found += [record[place]] if record else []
            if len(found) == ROWS:
                yield found
                found = []
        yield found
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(limit)
