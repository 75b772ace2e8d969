"""Every data set by its name. Knows nothing of study files: what it needs is passed in."""

from pathlib import Path

from a3b_tune.data import imdb, synth, table, xor
from a3b_tune.data.dataset import Dataset
from a3b_tune.errors import InputError, unknown

NAMES = ("xor", "synth", "imdb", "table")


def load(
    name: str,
    *,
    seed: int = 0,
    data_dir: Path | None = None,
    vocabulary: int | None = None,
    rows: int | None = None,
    path: Path | None = None,
    text_column: str = "text",
    label_column: str = "label",
    split: float = 0.2,
) -> Dataset:
    """The data set `name` for `seed`; rows are not cut (`Rows.cut` does that).

    `data_dir` is for imdb (see `places.data_dir`); `path`, the columns and `split`, the share of
    rows for validation, are for table; `vocabulary` keeps the first words, `rows` so many training
    rows. Raises InputError for anything that a person can mend.
    """
    if name not in NAMES:
        raise InputError(unknown("data set", name, NAMES))
    if name == "table":
        if path is None:
            raise InputError("data.path: a table needs a file (.csv, .tsv or .txt)")
        data = table.load(path, text_column, label_column, split=split, seed=seed)
    elif name == "imdb":
        data = imdb.load(data_dir, seed=seed)
    else:
        data = (xor if name == "xor" else synth).load(seed)
    if vocabulary is not None:
        data = data.first_words(vocabulary)
    return data if rows is None else data.sample(rows, seed)
