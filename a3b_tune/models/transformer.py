"""A transformer that classifies: `depth` blocks, pool, linear layer.

Letters: B batch, T positions, C channels.
"""

from torch import Tensor, nn

from a3b_tune.models.block import Block, NormName
from a3b_tune.models.dropout import Dropout
from a3b_tune.models.embedding import token_embedding
from a3b_tune.models.geometry import check_positive, width_of
from a3b_tune.models.pools import PoolName, check_pool, pool
from a3b_tune.models.positions import Positions, PositionsName


class Transformer(nn.Module):
    """Embedding, positions, dropout, blocks (with norm "pre" one more layer norm at the end),
    pool, linear layer.

    `tokens` (B, T) int64 with 0 for padding to logits (B, classes); T at most `max_length` unless
    positions are "none". `width`, where given, is the number of channels and `head_width` does not
    count; else they are heads × head_width. ValueError: no such pool, positions or norm, heads that
    do not divide the width, a depth below 1, dropout outside [0, 1).
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        classes: int,
        max_length: int,
        heads: int = 4,
        head_width: int = 16,
        width: int | None = None,
        depth: int = 1,
        pool: PoolName = "select",
        positions: PositionsName = "learned",
        dropout: float = 0.0,
        norm: NormName = "pre",
        embedding_std: float = 1.0,
    ) -> None:
        super().__init__()
        check_pool(pool)
        check_positive("depth", depth)
        channels = width_of(heads, head_width, width)
        self.pool = pool
        self.embedding = token_embedding(vocabulary, channels, embedding_std)
        self.positions = Positions(positions, max_length, channels, scale=embedding_std)
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(channels, heads, dropout=dropout, norm=norm) for _ in range(depth)
        )
        self.last_norm = nn.LayerNorm(channels) if norm == "pre" else nn.Identity()
        self.classify = nn.Linear(channels, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, classes). Of the last block the select pool needs the first row alone."""
        padding = tokens == 0
        x = self.dropout(self.positions(self.embedding(tokens)))  # (B, T, C)
        for block in self.blocks[:-1]:
            x = block(x, padding)
        x = self.blocks[-1](x, padding, first_only=self.pool == "select")
        logits: Tensor = self.classify(pool(self.pool, self.last_norm(x), padding))
        return logits
