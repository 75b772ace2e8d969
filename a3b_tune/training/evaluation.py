"""Validation accuracy, exact: distinct rows are scored once and weighed by how often they occur.

Knows nothing of trials or optimizers.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.inference_mode()
def accuracy(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor, Tensor]]) -> float:
    """The share of rows whose class the model names.

    synth's 25 000 validation rows hold 14 011 distinct ones, xor's 25 000 hold four; the number is
    the same as over all rows.

    :param batches: tokens (B, T), labels (B,) and counts (B,).
    """
    was_training = model.training
    model.eval()
    right, rows = [], []
    for tokens, labels, counts in batches:
        right.append(((model(tokens).argmax(dim=1) == labels) * counts).sum())
        rows.append(counts.sum())
    model.train(was_training)
    return float(torch.stack(right).sum()) / float(torch.stack(rows).sum())
