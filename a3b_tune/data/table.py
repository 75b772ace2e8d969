"""A user's own table as a data set: .csv or .tsv with a header, or .txt with LABEL<TAB>TEXT lines.

Text becomes words as IMDb's did: lower-cased runs of letters (of any alphabet); a text without a
letter becomes one `.unk`. Knows nothing of models or of study files.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from a3b_tune.data.dataset import Dataset
from a3b_tune.data.rows import Rows
from a3b_tune.data.vocabulary import UNK, Vocabulary
from a3b_tune.errors import InputError, unknown

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
WORD = re.compile(r"[^\W\d_]+")
# What each byte of ASCII becomes: a letter its lower case, anything else a blank.
LETTERS = bytes(b | 32 if chr(b).isalpha() and b < 128 else 32 for b in range(256))
FIELD_LIMIT = 2**24  # characters in one field; csv's own limit is 131 072


class Line(NamedTuple):
    """One record of the file and the line, from 1, that it begins on."""

    number: int
    label: str
    text: str


def load(
    path: Path,
    text_column: str = "text",
    label_column: str = "label",
    *,
    split: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """The share `split` of the rows, drawn with `seed`, validates; words stand in the vocabulary by
    falling count over the other rows; classes are the labels, sorted as text.

    Raises InputError, naming file and line: no file, no such column, a row without text or label,
    not UTF-8, no rows, a single class.
    """
    lines = _lines(path, text_column, label_column)
    names = _classes(path, lines)
    held = _held_out(len(lines), split, seed, path)
    cut = _cut(lines)
    train = [each for n, each in enumerate(cut) if n not in held]
    if len({label for label, _ in train}) < 2:
        raise InputError(f"{path}: the split leaves one class to train on; try another data.seed")
    vocabulary = _vocabulary(train)
    parts = [_rows(part, vocabulary, names) for part in (train, [cut[n] for n in sorted(held)])]
    return Dataset("table", parts[0], parts[1], vocabulary, names)


def load_whole(
    path: Path,
    text_column: str = "text",
    label_column: str = "label",
    *,
    split: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """All rows of a table to train on, with the vocabulary over all of them; those that validate in
    `load` validate here too."""
    lines = _lines(path, text_column, label_column)
    names, held = _classes(path, lines), _held_out(len(lines), split, seed, path)
    cut = _cut(lines)
    vocabulary = _vocabulary(cut)
    parts = [_rows(part, vocabulary, names) for part in (cut, [cut[n] for n in sorted(held)])]
    return Dataset("table", parts[0], parts[1], vocabulary, names)


def load_test(
    path: Path,
    vocabulary: Vocabulary,
    class_names: tuple[str, ...],
    text_column: str = "text",
    label_column: str = "label",
) -> Rows:
    """The rows of another table, in the words and classes of the first.

    Raises InputError, naming file and line: as `load`, or a label that is no class.
    """
    lines = _lines(path, text_column, label_column)
    for line in lines:
        if line.label not in class_names:
            told = unknown("class", line.label, class_names)
            raise InputError(f"{path}: line {line.number}: {told}")
    return _rows(_cut(lines), vocabulary, class_names)


Cut = list[tuple[str, list[str]]]


def _cut(lines: list[Line]) -> Cut:
    """Each row's label and words."""
    return [(line.label, tokenise(line.text)) for line in lines]


def _classes(path: Path, lines: list[Line]) -> tuple[str, ...]:
    names = tuple(sorted({line.label for line in lines}))
    if len(names) < 2:
        raise InputError(f"{path}: only one class, {names[0]!r}, in {len(lines)} rows")
    return names


def _vocabulary(cut: Cut) -> Vocabulary:
    """The words by falling count."""
    counts = Counter(word for _, words in cut for word in words)
    return Vocabulary.of(word for word, _ in counts.most_common())


def _rows(cut: Cut, vocabulary: Vocabulary, names: tuple[str, ...]) -> Rows:
    label_of = {name: label for label, name in enumerate(names)}
    x = [vocabulary.indices(words) or [UNK] for _, words in cut]
    return Rows.from_lists(x, [label_of[label] for label, _ in cut])


def tokenise(text: str) -> list[str]:
    """Lower-cased runs of letters: "It's 3 films" is it, s, films."""
    if text.isascii():
        # The same words, several times faster than by searching.
        return text.encode().translate(LETTERS).decode().split()
    return WORD.findall(text.lower())


def _held_out(rows: int, split: float, seed: int, path: Path) -> set[int]:
    held = round(rows * split)
    if not 0 < split < 1 or not 0 < held < rows:
        raise InputError(f"{path}: a split of {split:g} leaves a part of its {rows} rows empty")
    return set(Random(seed).sample(range(rows), k=held))


def _lines(path: Path, text_column: str, label_column: str) -> list[Line]:
    if path.suffix.lower() not in DELIMITERS:
        raise InputError(f"{path}: " + unknown("kind of table", path.suffix, DELIMITERS))
    text = _text(path)
    if not text.strip():
        raise InputError(f"{path}: no rows")
    if path.suffix.lower() == ".txt":
        lines = [
            _split_line(path, n, line.rstrip("\n"))
            for n, line in enumerate(io.StringIO(text, newline=None), 1)
        ]
    else:
        lines = list(_records(path, text, text_column, label_column))
    if not lines:
        raise InputError(f"{path}: no rows")
    for line in lines:
        for what, value in (("text", line.text), ("label", line.label)):
            if not value.strip():
                raise InputError(
                    f"{path}: line {line.number}: no {what}; fill it or delete the row"
                )
    return lines


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, byte = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise InputError(
            f"{path}: line {line}, byte {byte}: not UTF-8 (0x{raw[error.start]:02x}); if it is"
            f" Latin-1, convert it: iconv -f latin1 -t utf-8 {path.name} > new{path.suffix}"
        ) from error


def _split_line(path: Path, number: int, line: str) -> Line:
    label, tab, text = line.partition("\t")
    if not tab and line.strip():
        raise InputError(f"{path}: line {number}: no tab between label and text, {line[:40]!r}")
    return Line(number, label.strip(), text)


def _records(path: Path, text: str, text_column: str, label_column: str) -> Iterator[Line]:
    delimiter = DELIMITERS[path.suffix.lower()]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    limit = csv.field_size_limit(FIELD_LIMIT)
    try:
        header = next(reader, [])
        columns = [_column(path, header, name) for name in (label_column, text_column)]
        begins = reader.line_num + 1
        for record in reader:
            if record and len(record) != len(header):
                raise InputError(
                    f"{path}: line {begins}: {len(record)} fields, but the header has {len(header)}"
                )
            label, words = (record[at] if record else "" for at in columns)
            yield Line(begins, label.strip(), words)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}") from error
    finally:
        csv.field_size_limit(limit)


def _column(path: Path, header: list[str], name: str) -> int:
    if name not in header:
        raise InputError(f"{path}: line 1: " + unknown("column", name, header))
    return header.index(name)
