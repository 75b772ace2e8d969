"""What tells a model where a token stands: nothing, a learned table, or sines and cosines.

Knows nothing of tokens: it gives T vectors that are added to the embeddings. Letters: T positions,
C channels.
"""

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from a3b_tune.errors import unknown

PositionsName = Literal["none", "learned", "sinusoidal"]
POSITIONS: tuple[PositionsName, ...] = get_args(PositionsName)


class Positions(nn.Module):
    """Adds one vector per position to (B, T, C); `none` adds nothing.

    `learned` starts as normal noise, `sinusoidal` is the fixed table of Vaswani et al. 2017,
    section 3.5, both times `scale`. Both hold `max_length` positions: a longer batch is a
    ValueError, as is a name that is none of the three.
    """

    table: Tensor | None

    def __init__(
        self, name: PositionsName, max_length: int, width: int, *, scale: float = 1.0
    ) -> None:
        super().__init__()
        if name not in POSITIONS:
            raise ValueError(unknown("positions", name, POSITIONS))
        self.name = name
        self.max_length = max_length
        size = (max_length, width)
        empty = torch.empty(size)  # for its shape alone on "meta", as in `token_embedding`
        if name == "learned":
            self.table = nn.Parameter(empty if empty.is_meta else scale * torch.randn(size))
        elif name == "sinusoidal":
            found = empty if empty.is_meta else scale * sinusoids(*size)
            self.register_buffer("table", found, persistent=False)
        else:
            self.table = None

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) with its positions added."""
        places = self.first(x.shape[1])
        return x if places is None else x + places

    def at(self, x: Tensor, place: int) -> Tensor:
        """(B, 1, C) with the vector of one position, counted from 0, added."""
        places = self.first(place + 1)
        return x if places is None else x + places[place]

    def first(self, length: int) -> Tensor | None:
        """The vectors of the first `length` positions (T, C), None where there are none."""
        if self.table is None:
            return None
        if length > self.max_length:
            raise ValueError(f"{length} positions in a batch, but the model has {self.max_length}")
        return self.table[:length]


def sinusoids(max_length: int, width: int) -> Tensor:
    """(max_length, width): sines in the even channels, cosines in the odd ones."""
    places = torch.arange(max_length, dtype=torch.float64).unsqueeze(1)  # (T, 1)
    even = torch.arange(0, width, 2, dtype=torch.float64)
    angles = places * torch.exp(even * (-math.log(10_000.0) / width))  # (T, ceil(C / 2))
    pairs = torch.stack((angles.sin(), angles.cos()), -1).flatten(1)
    return pairs[:, :width].to(torch.get_default_dtype())
