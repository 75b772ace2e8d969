"""[data] of a study file: which rows or which text is trained on.

Knows nothing of how data is loaded.
"""

from typing import Annotated

from pydantic import Field, model_validator

from a3b_tune.study.kinds import Real, SettingError, Text, Whole, Word
from a3b_tune.study.section import (
    DATA_NAMES,
    ROW_DATA,
    SEED,
    IntSetting,
    Section,
    refuse_foreign,
)

DATA_KEYS: dict[str, tuple[str, ...]] = {
    "path": ("table", "text"),
    "test_path": ("table",),
    "text_column": ("table",),
    "label_column": ("table",),
    "characters": ("toy",),
    "tokens": ("text",),
    "split": ("table", "text"),
    "vocabulary": ROW_DATA,
    "rows": ROW_DATA,
    "bigrams": ROW_DATA,
    "embeddings": ROW_DATA,
}
"""The keys of [data] that only some data sets have, with their names."""
DATA_CHANGES = ("vocabulary", "rows", "bigrams", "embeddings")
"""The keys of [data] by which a model reads other than what the data set is."""
PATHS = ("path", "test_path")
"""The keys of [data] that name a file, which may be told by where the study file lies."""
VECTOR_FILES = (".txt", ".gz", ".zip", ".vec")
"""How the name of a file of word vectors ends; without that it is a name to be looked up."""
LENGTHS = {"imdb": 256, "table": 256, "toy": 64, "wp": 256, "text": 128}
"""The tokens of a row or window where the file does not say."""


def names_file(key: str, text: str) -> bool:
    """Whether a key of [data] names a file by its path here."""
    return key in PATHS or (
        key == "embeddings" and ("/" in text or text.lower().endswith(VECTOR_FILES))
    )


class DataSection(Section):
    """[data]: what is trained on, rows with labels or one long text."""

    name: Annotated[str, Word("data set", DATA_NAMES, fixed=True)] = Field(
        description="Rows: xor, synth, imdb, or table for a file of your own. Text: toy, wp, or "
        "text for a file of your own."
    )
    path: Annotated[str | None, Text()] = Field(
        default=None,
        description="The table (.csv or .tsv with a header, .txt with LABEL<tab>TEXT) or the text.",
    )
    test_path: Annotated[str | None, Text()] = Field(
        default=None,
        description="A table of the same columns that a search never reads: `train --final` does.",
    )
    text_column: Annotated[str, Text()] = Field(
        default="text", description="The table's column of texts."
    )
    label_column: Annotated[str, Text()] = Field(
        default="label", description="The table's column of labels."
    )
    characters: Annotated[int, Whole(low=1, fixed=True)] = Field(
        default=100_000, description="How many characters of toy are made to train on."
    )
    tokens: Annotated[str, Word("kind of token", ("characters", "bytes"), fixed=True)] = Field(
        default="characters", description="What the text is cut into: characters or bytes."
    )
    split: Annotated[float, Real(above=0.0, below=1.0, fixed=True)] = Field(
        default_factory=lambda data: 0.05 if data.get("name") == "text" else 0.2,
        description="The share of a table (0.2) or text (0.05) that validates; of a text as much "
        "again is kept for a test.",
    )
    seed: Annotated[int, SEED] = Field(
        default=0, description="What the data is generated or split from."
    )
    max_length: Annotated[IntSetting | None, Whole(low=1)] = Field(
        default_factory=lambda data: LENGTHS.get(str(data.get("name"))),
        description="Rows are cut to this many tokens; of text, the tokens that a model reads.",
    )
    vocabulary: Annotated[int | None, Whole(low=5, fixed=True)] = Field(
        default=None,
        description="Only the first so many words (4 special ones included); the rest become .unk.",
    )
    rows: Annotated[int | None, Whole(low=1, fixed=True)] = Field(
        default=None, description="Train on this many rows only, drawn from the data's seed."
    )
    bigrams: Annotated[int | None, Whole(low=1, fixed=True)] = Field(
        default=None,
        description="So many of the most frequent pairs of neighbouring words are read as words "
        "too, for models that know no order.",
    )
    embeddings: Annotated[str | None, Text()] = Field(
        default=None,
        description="Word vectors that known words start from: glove.6B.100d and the like, or a "
        "file with a word and its numbers on each line; the model's width is theirs.",
    )

    @model_validator(mode="after")
    def _own_keys(self) -> "DataSection":
        if self.name in DATA_KEYS["path"] and self.path is None:
            raise SettingError("data.path", f"missing: which file holds the {self.name}?")
        if self.name == "text" and self.split >= 0.5:
            raise SettingError(
                "data.split", f"must be below 0.5, as a test keeps as much again, not {self.split}"
            )
        refuse_foreign(self, "data", DATA_KEYS, self.name)
        return self
