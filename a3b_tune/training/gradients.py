"""The norm of all gradients together, and clipping by it; sparse gradients count too.

`torch.nn.utils.clip_grad_norm_` refuses sparse gradients; an embedding of 99 000 words has them.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def _values(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    """Every gradient's dense values. A sparse gradient is summed by row first (and kept so):
    before that the same row may stand in it several times and its norm would be wrong."""
    found = []
    for parameter in parameters:
        grad = parameter.grad
        if grad is None:
            continue
        if grad.is_sparse:
            grad = parameter.grad = grad.coalesce()
            found.append(grad._values())
        else:
            found.append(grad)
    return found


def _norm(values: list[Tensor]) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(values)))
    return norm


def gradient_norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """The Euclidean norm over all gradients, a scalar tensor on their device."""
    values = _values(parameters)
    if not values:
        return torch.zeros(())
    return _norm(values)


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float) -> Tensor:
    """Scales all gradients so that their common norm is at most `limit`.

    :returns: the norm before clipping, a scalar tensor; nothing is read back from the device.
    """
    values = _values(parameters)
    if not values:
        return torch.zeros(())
    norm = _norm(values)
    torch._foreach_mul_(values, torch.clamp(limit / (norm + 1e-6), max=1.0))
    return norm
