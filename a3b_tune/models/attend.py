"""Softmax attention without parameters, by the quickest of three ways that give the same numbers.

Knows nothing of layers or tokens. The way is chosen by shape alone, so a stack of models under
`torch.func.vmap` takes the same one as each model alone. Letters: B batch, S queries, T keys,
H heads, D channels of one head.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from a3b_tune.models.causal_op import attend_causal, by_pytorch
from a3b_tune.models.plainly import plain, show

FEW = 8  # pairs S × T up to which multiplying and summing is the quickest way
SOME = 1024  # pairs up to which writing the scores down is


def attend(q: Tensor, k: Tensor, v: Tensor, padding: Tensor, scale: float) -> Tensor:
    """Queries (B, S, H, D) to (B, S, H, D), over keys and values (B, T, H, D).

    `padding` (B, T) is True where no token is: such a key gets no weight. Each row needs one key
    that is real. `scale` multiplies the scores.
    """
    if plain():
        return attend_some(q, k, v, padding, scale)
    pairs = q.shape[1] * k.shape[1]
    way = attend_few if pairs <= FEW else attend_some if pairs <= SOME else attend_fused
    return way(q, k, v, padding, scale)


def attend_few(q: Tensor, k: Tensor, v: Tensor, padding: Tensor, scale: float) -> Tensor:
    """Multiplies and sums: MKL's batched product of tiny matrices runs at 2 GFLOP/s, and the fused
    kernel's start costs more than the work."""
    scores = ((q * scale).unsqueeze(2) * k.unsqueeze(1)).sum(-1)  # (B, S, T, H)
    scores = scores.masked_fill(padding[:, None, :, None], -math.inf)
    return (scores.softmax(2).unsqueeze(-1) * v.unsqueeze(1)).sum(2)  # (B, S, H, D)


def attend_some(q: Tensor, k: Tensor, v: Tensor, padding: Tensor, scale: float) -> Tensor:
    """Two batched products: slow for what they do, but all members of a stack at once, in half the
    time of the fused kernel taken member by member at T = 6."""
    q, k, v = (part.transpose(1, 2) for part in (q * scale, k, v))  # (B, H, S or T, D)
    scores = torch.matmul(q, k.transpose(2, 3))  # (B, H, S, T)
    weights = show(scores.masked_fill(padding[:, None, None], -math.inf).softmax(3))
    return torch.matmul(weights, v).transpose(1, 2)


def attend_fused(q: Tensor, k: Tensor, v: Tensor, padding: Tensor, scale: float) -> Tensor:
    """PyTorch's kernel, which never writes the scores (B, H, S, T) down.

    On the CPU it has no batching rule: under vmap PyTorch takes one member after the other, the
    same numbers, and says so in a warning.
    """
    q, k, v = (part.transpose(1, 2) for part in (q, k, v))  # (B, H, S or T, D)
    seen = ~padding[:, None, None]
    return scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=scale).transpose(1, 2)


def attend_before(projected: Tensor, heads: int, scale: float) -> Tensor:
    """Queries, keys and values (B, T, 3C) in one to (B, T, C): each position attends to itself and
    to those before it, by a fused kernel."""
    if projected.device.type == "cpu" and not plain():
        y: Tensor = attend_causal(projected, heads, scale)
        return y
    return by_pytorch(projected, heads, scale)


def attend_last(query: Tensor, keys_values: Tensor, heads: int, scale: float) -> Tensor:
    """One query (B, 1, C) that attends to all keys and values (B, T, 2C): (B, 1, C)."""
    (q,) = split_heads(query * scale, 1, heads)  # (B, H, 1, D)
    k, v = split_heads(keys_values, 2, heads)  # (B, H, T, D)
    weights = torch.matmul(q, k.transpose(2, 3)).softmax(3)  # (B, H, 1, T)
    return torch.matmul(weights, v).transpose(1, 2).flatten(2)


def split_heads(projected: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """(B, T, parts · C) as so many tensors (B, H, T, D)."""
    split = projected.reshape(*projected.shape[:2], parts, heads, -1)
    return split.permute(2, 0, 3, 1, 4).unbind(0)
