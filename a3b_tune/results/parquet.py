"""Trials as a Parquet file: a typed column per setting, curves as lists.

The only file that needs pyarrow, an extra: `pip install 'a3b-tune[parquet]'`.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from a3b_tune.errors import InputError
from a3b_tune.results.columns import COLUMNS, Columns, prefixed
from a3b_tune.results.overview import StudyOverview
from a3b_tune.results.trials import TrialRow
from a3b_tune.tuning.scores import LOOKS, SAMPLE

WHOLE = ("number", "best_epoch", "seed", "repeats", "stack", "threads")
MOMENTS = ("started", "ended")


def write_parquet(overview: StudyOverview, stream: BinaryIO) -> None:
    """A row per trial: the columns of the CSV but for the last, and `epochs`, a list of all that
    was measured in each. The study's facts lie in the file's metadata under `a3b-tune`, as JSON.

    :raises InputError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            "--format parquet needs pyarrow: pip install 'a3b-tune[parquet]'"
        ) from None
    arrays = {
        name: pyarrow.array(values, _type(pyarrow, kind))
        for name, kind, values in _columns(overview.trials)
    }
    arrays["epochs"] = _epochs(pyarrow, overview.trials)
    facts = json.dumps(overview.to_json(), ensure_ascii=False, allow_nan=False)
    table = pyarrow.table(arrays).replace_schema_metadata({"a3b-tune": facts})
    pyarrow.parquet.write_table(table, stream)


def _columns(trials: Sequence[TrialRow]) -> Iterator[tuple[str, type, list[Any]]]:
    """Name, kind and values of each flat column."""
    columns = Columns.of(trials)
    flats = [columns.flat(row) for row in trials]
    for name in COLUMNS:
        if name in MOMENTS:
            yield name, datetime, [getattr(row, name) for row in trials]
        else:
            kind = int if name in WHOLE else float if name == "value" else str
            yield name, kind, [cells[name] for cells in flats]
    for name in prefixed("seconds", columns.parts):
        yield name, float, [cells[name] for cells in flats]
    for name in columns.settings:
        yield name, *_one_kind([cells[name] for cells in flats])
    for name in prefixed("scores", columns.scores):
        yield name, float, [cells[name] for cells in flats]


def _one_kind(values: list[Any]) -> tuple[type, list[Any]]:
    """The kind that all values of a setting have; text where they differ."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) == 1:
        return kinds.pop(), values
    if kinds == {int, float}:
        return float, values
    return str, [None if value is None else str(value) for value in values]


def _type(pyarrow: Any, kind: type) -> Any:  # noqa: ANN401
    return {
        datetime: pyarrow.timestamp("us", tz="UTC"),
        bool: pyarrow.bool_(),
        int: pyarrow.int64(),
        float: pyarrow.float64(),
        str: pyarrow.string(),
    }[kind]


def _epochs(pyarrow: Any, trials: Sequence[TrialRow]) -> Any:  # noqa: ANN401
    names = dict.fromkeys(name for row in trials for epoch in row.epochs for name in epoch)
    kinds = {
        "epoch": pyarrow.int64(),
        SAMPLE: pyarrow.string(),
        LOOKS: pyarrow.list_(pyarrow.list_(pyarrow.float64())),
    }
    fields = [(name, kinds.get(name, pyarrow.float64())) for name in names or ("epoch",)]
    kind = pyarrow.list_(pyarrow.struct(fields))
    return pyarrow.array([row.epochs for row in trials], kind)
