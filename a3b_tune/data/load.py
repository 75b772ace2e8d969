"""Every data set by its name. Knows nothing of study files: what it needs is passed in."""

from pathlib import Path

from a3b_tune.data import imdb, synth, table, text_file, toy, wp, xor
from a3b_tune.data.dataset import Dataset
from a3b_tune.data.text import Text
from a3b_tune.errors import InputError, unknown

ROWS = ("xor", "synth", "imdb", "table")
TEXTS = ("toy", "wp", "text")
NAMES = (*ROWS, *TEXTS)


def load(
    name: str,
    *,
    seed: int = 0,
    data_dir: Path | None = None,
    vocabulary: int | None = None,
    rows: int | None = None,
    bigrams: int | None = None,
    embeddings: str | None = None,
    path: Path | None = None,
    text_column: str = "text",
    label_column: str = "label",
    split: float | None = None,
    characters: int = toy.TRAIN,
    tokens: str = "characters",
) -> Dataset | Text:
    """The data set `name` for `seed`: rows with labels, or one long text. Neither is cut to a
    model's length (`Rows.cut` and `Windows` do that).

    `data_dir` is for imdb, wp and word vectors (see `places.data_dir`); `path` and `split`, the
    share that validates, are for table (by default 0.2) and text (0.05), the columns for table
    alone, `tokens` for text, `characters` for toy. Of rows `vocabulary` keeps the first words,
    `rows` so many training rows, `bigrams` the most frequent pairs of neighbours as words, and
    `embeddings` are the vectors that words start from. Raises InputError for anything that a person
    can mend.
    """
    if name not in NAMES:
        raise InputError(unknown("data set", name, NAMES))
    if name == "toy":
        return toy.load(seed, characters)
    if name == "wp":
        return wp.load(data_dir)
    if name == "text":
        if path is None:
            raise InputError("data.path: a text needs a file")
        share = 0.05 if split is None else split
        return text_file.load(path, tokens, split=share, data_dir=data_dir)
    if name == "table":
        if path is None:
            raise InputError("data.path: a table needs a file (.csv, .tsv or .txt)")
        share = 0.2 if split is None else split
        data = table.load(path, text_column, label_column, split=share, seed=seed)
    elif name == "imdb":
        data = imdb.load(data_dir, seed=seed)
    else:
        data = (xor if name == "xor" else synth).load(seed)
    if vocabulary is not None:
        data = data.first_words(vocabulary)
    if rows is not None:
        data = data.sample(rows, seed)
    if bigrams is not None:
        data = data.with_pairs(bigrams)
    return data if embeddings is None else data.with_vectors(embeddings, data_dir)
