"""A data set made ready for training: cut, on the device, what validates already in batches.

Done once per data set and cut and then shared by all trials of a process; makes the models that fit
it, and trains none.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from a3b_tune.data import Batches, Dataset, Rows
from a3b_tune.data.load import load
from a3b_tune.data.reader import Reader, reader_of
from a3b_tune.data.text import Text
from a3b_tune.models import build
from a3b_tune.models.tables import Openings
from a3b_tune.study.data_section import DataSection
from a3b_tune.training.pretrained import PieceRows, checkpoint_of, wordpieces_of
from a3b_tune.training.recipe import Recipe
from a3b_tune.training.rows_part import RowsPart
from a3b_tune.training.text_part import TextPart
from a3b_tune.training.vectors import started

# Tokens in one evaluation batch: large enough that Python costs nothing, small enough that the
# scores of a 256-token transformer with 4 heads stay below 70 MB.
EVALUATION_TOKENS = 16_384


@dataclass
class Prepared:
    """A data set on a device, cut as each trial asks; `precision` is that of `--precision`."""

    dataset: Dataset | Text
    device: torch.device
    precision: str = "auto"
    _parts: dict[tuple[int | None, str | None], RowsPart | TextPart] = field(default_factory=dict)
    _pieces: dict[str, PieceRows] = field(default_factory=dict)

    def autocast(self) -> torch.autocast:
        """The context in which models run: where asked for, with matrices in bfloat16."""
        kind = self.device.type
        return torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bfloat16")

    @property
    def vocabulary(self) -> int:
        if isinstance(self.dataset, Text):
            return len(self.dataset.alphabet)
        return len(self.dataset.vocabulary.i2w)

    @property
    def classes(self) -> int:
        """What a model chooses from: the classes of rows, or the tokens of a text."""
        if isinstance(self.dataset, Text):
            return len(self.dataset.alphabet)
        return len(self.dataset.class_names)

    def model(self, recipe: Recipe) -> nn.Module:
        """The model of a recipe, its first weights from the recipe's seed."""
        part = self.part(recipe)
        torch.manual_seed(recipe.seed)
        model = build(
            recipe.model_name,
            vocabulary=part.vocabulary if isinstance(part, RowsPart) else self.vocabulary,
            classes=self.classes,
            max_length=part.longest,
            **recipe.model_settings,
        )
        return started(model, self.dataset).to(self.device)

    def part(self, recipe: Recipe) -> RowsPart | TextPart:
        """The data as a recipe's model reads it: a pre-trained one reads wordpieces.

        :raises InputError: the pre-trained model cannot be had.
        """
        return self.cut(recipe.max_length, checkpoint_of(recipe.model))

    def reader(self, recipe: Recipe) -> Reader:
        """What makes of a person's text what a recipe's model reads. ValueError: models of a text
        have none."""
        if isinstance(self.dataset, Text):
            raise ValueError("a text has no reader")
        checkpoint = checkpoint_of(recipe.model)
        return reader_of(self.dataset) if checkpoint is None else wordpieces_of(checkpoint)

    def cut(self, max_length: int | None, checkpoint: str | None = None) -> RowsPart | TextPart:
        """The rows' first `max_length` tokens, None leaves them whole; or windows of a text, of so
        many tokens. With a `checkpoint` tokens are the wordpieces of that pre-trained model."""
        if (max_length, checkpoint) not in self._parts:
            self._parts[max_length, checkpoint] = self._prepare(max_length, checkpoint)
        return self._parts[max_length, checkpoint]

    def _prepare(self, max_length: int | None, checkpoint: str | None) -> RowsPart | TextPart:
        if isinstance(self.dataset, Text):
            if max_length is None:
                raise ValueError("windows of a text have a length")
            return TextPart(self.dataset, max_length, self.device, self.autocast())
        if checkpoint is not None:
            return self._wordpieces(self.dataset, max_length, checkpoint)
        return self._rows(self.dataset, max_length)

    def _wordpieces(self, dataset: Dataset, max_length: int | None, checkpoint: str) -> RowsPart:
        if checkpoint not in self._pieces:
            self._pieces[checkpoint] = PieceRows.of(dataset, checkpoint)
        pieces = self._pieces[checkpoint]
        return self._ready(*pieces.cut(max_length), len(pieces.wordpieces), tells_loss=True)

    def _rows(self, dataset: Dataset, max_length: int | None) -> RowsPart:
        train, validation = dataset.train, dataset.validation
        if max_length is not None:
            train, validation = train.cut(max_length), validation.cut(max_length)
        if dataset.pairs is not None:
            train, validation = dataset.pairs.beside(train), dataset.pairs.beside(validation)
        return self._ready(train, validation, self.vocabulary)

    def _ready(
        self, train: Rows, validation: Rows, vocabulary: int, *, tells_loss: bool = False
    ) -> RowsPart:
        longest = int(max(train.lengths.max(), validation.lengths.max()))
        distinct = validation.distinct()
        size = max(1, EVALUATION_TOKENS // longest)
        batches = Batches(distinct.to(self.device), size=size)
        return RowsPart(
            train=train.to(self.device),
            validation=list(batches.in_order(size)),
            validation_rows=len(validation),
            distinct_rows=len(distinct),
            longest=longest,
            openings=self._openings(vocabulary, train, validation),
            vocabulary=vocabulary,
            outputs=self.classes,
            autocast=self.autocast(),
            tells_loss=tells_loss,
        )

    def _openings(self, vocabulary: int, *parts: Rows) -> Openings:
        first = torch.cat([rows.tokens[rows.starts] for rows in parts])
        return Openings.of(first.long().to(self.device), vocabulary)


def load_dataset(section: DataSection, data_dir: Path | None = None) -> Dataset | Text:
    """The data set of a study file's `[data]` section, whole.

    :raises InputError: it cannot be had or is not what it should be.
    """
    return load(
        section.name,
        seed=section.seed,
        data_dir=data_dir,
        vocabulary=section.vocabulary,
        rows=section.rows,
        bigrams=section.bigrams,
        embeddings=section.embeddings,
        path=None if section.path is None else Path(section.path),
        text_column=section.text_column,
        label_column=section.label_column,
        split=section.split,
        characters=section.characters,
        tokens=section.tokens,
    )
