"""A model whose table of words starts from word vectors: a known word from its vector, the others
as the model has drawn them. Knows neither the vectors' file nor data rows.
"""

from itertools import islice

import torch
from torch import nn

from a3b_tune.data import Dataset
from a3b_tune.data.glove import Vectors
from a3b_tune.data.text import Text
from a3b_tune.errors import InputError
from a3b_tune.models import build
from a3b_tune.models.own import is_own
from a3b_tune.models.own_output import tiny_sizes
from a3b_tune.study import StudyFile
from a3b_tune.training.checks import TRIED, draws, model_names

TABLE = "embedding"


def started(model: nn.Module, dataset: Dataset | Text) -> nn.Module:
    """The model, on the CPU, with the data set's vectors in its table, where there are any.

    :raises InputError: they do not fit it.
    """
    vectors = None if isinstance(dataset, Text) else dataset.vectors
    if vectors is not None:
        table = _table(model, vectors)
        with torch.no_grad():
            table.weight[vectors.words] = vectors.values.to(table.weight.dtype)
    return model


def check_vectors(file: StudyFile, dataset: Dataset) -> None:
    """Refuses vectors that some draw of the file's models has no place for.

    :raises InputError: one line with the draw.
    """
    if dataset.vectors is None:
        return
    for name in model_names(file):
        for draw in islice(draws(file, name), TRIED):
            # A person's own need not be able to be built on no device.
            with torch.device("cpu" if is_own(name) else "meta"), torch.random.fork_rng(devices=[]):
                model = build(name, **tiny_sizes(reads_text=False), **draw)  # type: ignore[arg-type]
            _table(model, dataset.vectors, name)


def _table(model: nn.Module, vectors: Vectors, name: str = "the model") -> nn.Embedding:
    table = getattr(model, TABLE, None)
    if not isinstance(table, nn.Embedding):
        raise InputError(f"data.embeddings: {name} has no nn.Embedding called {TABLE!r}")
    if table.embedding_dim != vectors.length:
        raise InputError(
            f"model.width: must be {vectors.length}, the length of the vectors in {vectors.source},"
            f" not {table.embedding_dim}"
        )
    return table
