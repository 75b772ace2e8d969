"""From one vector per position to one vector per row: mean, max, select.

Knows nothing of tokens or models: it is given vectors and where padding is, which it never reads.
Letters: B batch, T positions, C channels.
"""

import math
from typing import Literal, get_args

from torch import Tensor

from a3b_tune.errors import unknown

PoolName = Literal["mean", "max", "select"]
POOLS: tuple[PoolName, ...] = get_args(PoolName)


def check_pool(name: str) -> None:
    """ValueError where `name` is no pool."""
    if name not in POOLS:
        raise ValueError(unknown("pool", name, POOLS))


def pool(name: PoolName, x: Tensor, padding: Tensor) -> Tensor:
    """Vectors `x` (B, T, C) to (B, C).

    `padding` (B, T) is True where no token is; every row needs at least one token. `select` takes
    the first position, which is always one (and then T of `x` may be 1).
    """
    if name == "select":
        return x[:, 0]
    if name == "mean":
        return (x * mean_weights(padding, x).unsqueeze(-1)).sum(1)
    return x.masked_fill(padding.unsqueeze(-1), -math.inf).max(1).values


def mean_weights(padding: Tensor, like: Tensor) -> Tensor:
    """(B, T): 1 / length of the row on its tokens, 0 on its padding, in the type of `like`."""
    real = (~padding).to(like.dtype)
    return real / real.sum(1, keepdim=True)
