"""The best validation accuracy that a kind of model can reach on a data set, as a number.

Which kind a model is (constant, three_of_four, all), the study room knows; this file only counts
rows. Source: the ceiling table of the course's data, each figure worked out from the rows.
"""

import torch
from torch import Tensor

from a3b_tune.data import synth, xor
from a3b_tune.data.dataset import Dataset
from a3b_tune.data.rows import Rows
from a3b_tune.errors import unknown

KINDS = ("constant", "three_of_four", "all")


def best_accuracy(kind: str, dataset: Dataset) -> float:
    """Share of validation rows, 0 to 1, that the best model of that kind gets right.

    constant: it answers by the first token alone, which says nothing (on synth it is always the
    same; on xor the two answers differ by chance). three_of_four: its score is a sum with one term
    per token, so of the four patterns of an exclusive-or it misses one. all: nothing stands in its
    way.
    Raises ValueError for another kind, or for three_of_four on data that is no exclusive-or.
    """
    rows = dataset.validation
    if kind == "all":
        return 1.0
    if kind == "constant":
        return _by_first_token(rows)
    if kind != "three_of_four":
        raise ValueError(unknown("ceiling", kind, KINDS))
    return 1.0 - _smallest_share(rows, _patterns(dataset))


def _by_first_token(rows: Rows) -> float:
    """The share that is right where each first token gets its more frequent class."""
    first = rows.tokens[rows.starts].long()  # (N,)
    classes = int(rows.labels.max()) + 1
    sizes = torch.bincount(first * classes + rows.labels, weights=rows.counts.double())
    missing = -len(sizes) % classes
    table = torch.nn.functional.pad(sizes, (0, missing)).view(-1, classes)  # (words, classes)
    return float(table.amax(1).sum() / rows.counts.sum())


def _patterns(dataset: Dataset) -> Tensor:
    """(N,) the pattern, 0 to 3, of each validation row that may be the missed one; else -1."""
    rows = dataset.validation
    ends = rows.starts + rows.lengths
    first, second = rows.tokens[ends - 2].long(), rows.tokens[ends - 1].long()
    if dataset.name == "synth":
        return 2 * (first == synth.VERY) + (second == synth.GREAT)
    if dataset.name == "xor":
        # true false and false true have the same sum, so one of the other two is missed.
        return torch.where(first == second, (first == xor.TRUE).long(), -1)
    raise ValueError(f"{dataset.name} is no exclusive-or: three of four patterns mean nothing")


def _smallest_share(rows: Rows, groups: Tensor) -> float:
    """The smallest group's share of the rows, by counts; group -1 is left out."""
    counted = groups >= 0
    sizes = torch.bincount(groups[counted], weights=rows.counts[counted].double())
    return float(sizes.min() / rows.counts.sum())
