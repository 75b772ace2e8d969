"""A transformer block whose positions see themselves and what came before, nothing later.

Knows nothing of tokens or depth. Equal to `nn.TransformerEncoderLayer` (ReLU) with a causal mask on
the same weights. Letters: B batch, T positions, C channels, H heads, D = C / H.
"""

import math

import torch
from torch import Tensor, nn

from a3b_tune.errors import unknown
from a3b_tune.models.attend import attend_before, attend_last
from a3b_tune.models.block import NORMS, NormName
from a3b_tune.models.dropout import Dropout
from a3b_tune.models.linear import Linear


class CausalAttention(nn.Module):
    """Attention of H heads over its input, scores divided by sqrt(D). Queries, keys and values are
    one layer, in this order."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.width = width
        self.heads = heads
        self.scale = 1.0 / math.sqrt(width // heads)
        self.project = Linear(width, 3 * width)
        self.unify = Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        y: Tensor = self.unify(attend_before(self.project(x), self.heads, self.scale))
        return y

    def begin(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, and the keys and values (B, T, 2C) to go on from."""
        projected = self.project(x)
        y: Tensor = self.unify(attend_before(projected, self.heads, self.scale))
        return y, projected[..., self.width :]

    def go_on(self, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """One more position (B, 1, C) after those whose keys and values are `seen` (B, T, 2C): its
        row, and T + 1 keys and values."""
        query, new = self.project(x).split((self.width, 2 * self.width), 2)
        seen = torch.cat((seen, new), 1)
        y: Tensor = self.unify(attend_last(query, seen, self.heads, self.scale))
        return y, seen


class CausalBlock(nn.Module):
    """(B, T, C) to (B, T, C). `norm` "pre" is `norm_first=True`, "post" the order of Vaswani et al.
    2017. Dropout falls on what attention and the feed-forward layer add and on the latter's inside,
    not on the attention weights. ValueError: no such norm."""

    def __init__(self, width: int, heads: int, *, dropout: float, norm: NormName) -> None:
        super().__init__()
        if norm not in NORMS:
            raise ValueError(unknown("norm", norm, NORMS))
        self.norm = norm
        self.attention = CausalAttention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            Linear(width, 4 * width), nn.ReLU(), Dropout(dropout), Linear(4 * width, width)
        )
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.after(x, self.attention(self.before(x)))

    def begin(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, and what `go_on` needs of these positions (B, T, 2C)."""
        y, seen = self.attention.begin(self.before(x))
        return self.after(x, y), seen

    def go_on(self, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """One more position (B, 1, C): its row, and what is seen now (B, T + 1, 2C)."""
        y, seen = self.attention.go_on(self.before(x), seen)
        return self.after(x, y), seen

    def before(self, x: Tensor) -> Tensor:
        """What attention reads."""
        read: Tensor = self.attention_norm(x) if self.norm == "pre" else x
        return read

    def after(self, x: Tensor, y: Tensor) -> Tensor:
        """The block's rows, from its input and what attention made of it."""
        x = x + self.dropout(y)
        pre = self.norm == "pre"
        x = x if pre else self.attention_norm(x)
        y = self.feed_forward(self.feed_forward_norm(x) if pre else x)
        done: Tensor = x + self.dropout(y)
        return done if pre else self.feed_forward_norm(done)

    def scale_residuals(self, factor: float) -> None:
        """Makes the weights smaller by which the block adds to its input."""
        last = self.feed_forward[-1]
        assert isinstance(last, Linear)
        with torch.no_grad():
            self.attention.unify.weight.mul_(factor)
            last.weight.mul_(factor)
