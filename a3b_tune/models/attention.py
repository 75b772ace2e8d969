"""Multi-head self-attention with its layers: queries, keys, values, and one that unifies the heads.

Knows nothing of tokens, pools or classes. Letters: B batch, T positions, S queries (T, or 1 where
only the first is wanted), C channels, H heads, D = C / H.
"""

import math

import torch
from torch import Tensor, nn

from a3b_tune.models.attend import FEW, attend
from a3b_tune.models.plainly import plain


class SelfAttention(nn.Module):
    """Attention of H heads over its input, scores divided by sqrt(D).

    `bias` says whether queries, keys and values have one (the course's have none, the transformer
    block's have). Keys and values are one layer: its first C outputs are the keys.
    """

    def __init__(self, width: int, heads: int, *, bias: bool) -> None:
        super().__init__()
        self.width = width
        self.heads = heads
        self.queries = nn.Linear(width, width, bias=bias)
        self.keys_values = nn.Linear(width, 2 * width, bias=bias)
        self.unify = nn.Linear(width, width)

    def forward(self, x: Tensor, padding: Tensor, *, first_only: bool = False) -> Tensor:
        """(B, T, C) to (B, S, C); `padding` (B, T) is True where no token is.

        `first_only` gives the first position's row alone: the same numbers for less work.
        """
        if first_only and x.shape[1] > FEW and not plain():
            return self.first_folded(x, padding)
        asking = x[:, :1] if first_only else x
        return self.attend(self.queries(asking), self.keys_values(x), padding)

    def attend(self, queries: Tensor, keys_values: Tensor, padding: Tensor) -> Tensor:
        """Projected queries (B, S, C) and keys and values (B, T, 2C) to (B, S, C)."""
        split = (self.heads, self.width // self.heads)
        q = queries.view(*queries.shape[:2], *split)  # (B, S, H, D)
        k, v = keys_values.view(*keys_values.shape[:2], 2, *split).unbind(2)  # (B, T, H, D)
        y: Tensor = self.unify(attend(q, k, v, padding, self.scale).flatten(2))
        return y

    def first_folded(self, x: Tensor, padding: Tensor) -> Tensor:
        """The first query's row, (B, T, C) to (B, 1, C), with no key or value ever computed.

        q·(W x) = (Wᵀ q)·x, and the weighted mean of W x is W times the weighted mean of x: the H
        heads' queries, carried back to C channels, attend to the inputs themselves. A bias of the
        keys adds the same to all scores, so it drops out; that of the values is added once.
        """
        split = (self.heads, self.width // self.heads, self.width)
        keys, values = (part.view(split) for part in self.keys_values.weight.chunk(2))  # (H, D, C)
        q = self.queries(x[:, 0]).view(-1, *split[:2])  # (B, H, D)
        q = torch.einsum("bhd,hdc->bhc", q, keys)
        inputs = x.unsqueeze(2)  # (B, T, 1, C)
        means = attend(q.unsqueeze(2), inputs, inputs, padding, self.scale).squeeze(2)  # (B, H, C)
        y = torch.einsum("bhc,hdc->bhd", means, values).flatten(1)  # (B, C)
        if self.keys_values.bias is not None:
            y = y + self.keys_values.bias[self.width :]
        unified: Tensor = self.unify(y.unsqueeze(1))
        return unified

    def fold_queries(self, asking: Tensor) -> Tensor:
        """What each head asks of the inputs themselves: (Q, C) to (H, Q, C), scaled.

        Without biases: a score is the product of this and an input.
        """
        split = (self.heads, self.width // self.heads)
        keys = self.keys_values.weight[: self.width].view(*split, -1)  # (H, D, C)
        q = self.queries(asking).view(-1, *split)  # (Q, H, D)
        return torch.matmul(q.transpose(0, 1) * self.scale, keys)

    def fold_values(self, layer: Tensor) -> Tensor:
        """What a linear layer (O, C) behind the attention makes of an input, head by head, without
        biases: (O, H, C)."""
        split = (self.heads, self.width // self.heads)
        values = self.keys_values.weight[self.width :].view(*split, -1)  # (H, D, C)
        made = (layer @ self.unify.weight).view(-1, *split)  # (O, H, D)
        return torch.matmul(made.transpose(0, 1), values).transpose(0, 1)

    @property
    def scale(self) -> float:
        """1 / sqrt(D)."""
        return 1.0 / math.sqrt(self.width // self.heads)
