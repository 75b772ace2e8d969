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
from a3b_tune.data.text import Text
from a3b_tune.models import build
from a3b_tune.models.tables import Openings
from a3b_tune.study.data_section import DataSection
from a3b_tune.training.recipe import Recipe
from a3b_tune.training.rows_part import RowsPart
from a3b_tune.training.text_part import TextPart

# Tokens in one evaluation batch: large enough that Python costs nothing, small enough that the
# scores of a 256-token transformer with 4 heads stay below 70 MB.
EVALUATION_TOKENS = 16_384


@dataclass
class Prepared:
    """A data set on a device, cut as each trial asks; `precision` is that of `--precision`."""

    dataset: Dataset | Text
    device: torch.device
    precision: str = "auto"
    _parts: dict[int | None, RowsPart | TextPart] = field(default_factory=dict)

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
        torch.manual_seed(recipe.seed)
        return build(
            recipe.model_name,
            vocabulary=self.vocabulary,
            classes=self.classes,
            max_length=self.cut(recipe.max_length).longest,
            **recipe.model_settings,
        ).to(self.device)

    def cut(self, max_length: int | None) -> RowsPart | TextPart:
        """The rows' first `max_length` tokens, None leaves them whole; or windows of a text, of so
        many tokens."""
        if max_length not in self._parts:
            self._parts[max_length] = self._prepare(max_length)
        return self._parts[max_length]

    def _prepare(self, max_length: int | None) -> RowsPart | TextPart:
        if isinstance(self.dataset, Text):
            if max_length is None:
                raise ValueError("windows of a text have a length")
            return TextPart(self.dataset, max_length, self.device, self.autocast())
        return self._rows(self.dataset, max_length)

    def _rows(self, dataset: Dataset, max_length: int | None) -> RowsPart:
        train, validation = dataset.train, dataset.validation
        if max_length is not None:
            train, validation = train.cut(max_length), validation.cut(max_length)
        if dataset.pairs is not None:
            train, validation = dataset.pairs.beside(train), dataset.pairs.beside(validation)
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
            openings=self._openings(train, validation),
            vocabulary=self.vocabulary,
            outputs=self.classes,
            autocast=self.autocast(),
        )

    def _openings(self, *parts: Rows) -> Openings:
        first = torch.cat([rows.tokens[rows.starts] for rows in parts])
        return Openings.of(first.long().to(self.device), self.vocabulary)


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
        path=None if section.path is None else Path(section.path),
        text_column=section.text_column,
        label_column=section.label_column,
        split=section.split,
        characters=section.characters,
        tokens=section.tokens,
    )
