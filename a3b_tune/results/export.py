"""A study's trials as a file for other programs: CSV, JSON or Parquet; whole, or not there at all.

Knows the shape of a row and nothing of where it came from. Parquet is written next door.
"""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from a3b_tune.errors import InputError, unknown
from a3b_tune.results.columns import Columns
from a3b_tune.results.overview import StudyOverview

FORMATS = ("csv", "json", "parquet")
# A spreadsheet runs a cell that begins so.
FORMULA = re.compile(r"[=+\-@\t]")


def chosen_format(asked: str | None, path: Path | None) -> str:
    """The format asked for, else that of the file's ending, else csv.

    :raises InputError: no such format.
    """
    if asked is None:
        ending = path.suffix.removeprefix(".").lower() if path else ""
        return ending if ending in FORMATS else "csv"
    if asked not in FORMATS:
        raise InputError(f"--format: {unknown('format', asked, FORMATS)}")
    return asked


def export(overview: StudyOverview, format: str, target: Path | BinaryIO) -> None:
    """Writes all trials of a study. A file gets its name only when it is complete, so that another
    program never reads half of one, and an older one stays until then.

    :raises InputError: no such format or folder, the file cannot be written, the disk is full,
        Parquet's package is missing.
    """
    write = _writer(chosen_format(format, None))
    if isinstance(target, Path):
        with _whole_file(target) as stream:
            write(overview, stream)
    else:
        write(overview, target)


def _writer(format: str) -> Callable[[StudyOverview, BinaryIO], None]:
    if format == "parquet":
        from a3b_tune.results.parquet import write_parquet

        return write_parquet
    return {"csv": write_csv, "json": write_json}[format]


def write_csv(overview: StudyOverview, stream: BinaryIO) -> None:
    """A header and a line per trial, in UTF-8; the last column is the trial's values (`accuracies`
    or `bits`), epoch by epoch, with blanks between. What is not there is an empty cell. Text that a
    spreadsheet would take for a formula gets an apostrophe in front."""
    columns, metric = Columns.of(overview.trials), overview.file.metric
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(map(_cell, [*columns.names, metric.curve]))
    for row in overview.trials:
        curve = " ".join(str(epoch[metric.name]) for epoch in row.epochs)
        lines.writerow([*map(_cell, columns.flat(row).values()), curve])
    text.detach()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    # Python's csv leaves a carriage return unquoted, and readers take it for a line's end.
    text = value.replace("\r", " ")
    return "'" + text if FORMULA.match(text) else text


def write_json(overview: StudyOverview, stream: BinaryIO) -> None:
    """One object: the study's facts as `show --json` tells them, and under `trials` every trial
    with its curves, one on each line."""
    facts = json.dumps(overview.to_json(), ensure_ascii=False, allow_nan=False)
    stream.write(facts.removesuffix("}").encode() + b', "trials": [')
    for index, row in enumerate(overview.trials):
        line = json.dumps(row.to_json(), ensure_ascii=False, allow_nan=False)
        stream.write((",\n" if index else "\n").encode() + line.encode())
    stream.write(b"\n]}\n")


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content gets the name `path` at the end, or leaves nothing."""
    final = path.resolve()
    if not final.parent.is_dir():
        raise InputError(f"--out {path}: the folder {final.parent} does not exist")
    try:
        if final.exists() and not final.is_file():
            # A device or a pipe has no content that could be replaced.
            with final.open("wb") as stream:
                yield stream
            return
        _refuse_database(final)
        part = final.with_name(f".{final.name}.{os.getpid()}.part")
        try:
            with part.open("xb") as stream:
                yield stream
            part.replace(final)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
    except OSError as error:
        raise InputError(f"--out {path}: {(error.strerror or str(error)).lower()}") from None


def _refuse_database(path: Path) -> None:
    """A slip of the hand must not cost the studies themselves."""
    if path.exists():
        with path.open("rb") as stream:
            if stream.read(16) == b"SQLite format 3\0":
                raise InputError(f"--out {path}: this is a database; choose another file")
