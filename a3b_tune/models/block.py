"""One transformer block: attention and a feed-forward layer, each with a residual and a layer norm.

Knows nothing of tokens or depth. Equal to `nn.TransformerEncoderLayer` (ReLU) on the same weights.
Letters: B batch, T positions, S queries (T, or 1 where only the first is wanted), C channels.
"""

from typing import Literal, get_args

from torch import Tensor, nn

from a3b_tune.errors import unknown
from a3b_tune.models.attention import SelfAttention
from a3b_tune.models.dropout import Dropout

NormName = Literal["pre", "post"]
NORMS: tuple[NormName, ...] = get_args(NormName)


class Block(nn.Module):
    """(B, T, C) to (B, S, C). `norm` "pre" is `norm_first=True`, "post" the order of Vaswani et al.
    2017. Dropout falls on what attention and the feed-forward layer add and on the latter's inside,
    not on the attention weights. ValueError: no such norm."""

    def __init__(self, width: int, heads: int, *, dropout: float, norm: NormName) -> None:
        super().__init__()
        if norm not in NORMS:
            raise ValueError(unknown("norm", norm, NORMS))
        self.norm = norm
        self.attention = SelfAttention(width, heads, bias=True)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width), nn.ReLU(), Dropout(dropout), nn.Linear(4 * width, width)
        )
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, padding: Tensor, *, first_only: bool = False) -> Tensor:
        """`padding` (B, T) is True where no token is. `first_only` gives the first row alone."""
        pre = self.norm == "pre"
        own = x[:, :1] if first_only else x
        seen = self.attention_norm(x) if pre else x
        own = own + self.dropout(self.attention(seen, padding, first_only=first_only))
        own = own if pre else self.attention_norm(own)
        y = self.feed_forward(self.feed_forward_norm(own) if pre else own)
        after: Tensor = own + self.dropout(y)
        return after if pre else self.feed_forward_norm(after)
