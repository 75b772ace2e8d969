"""A transformer that says of each position what the next token may be: `depth` causal blocks, layer
norm, linear layer.

Letters: B batch, T positions, C channels, V vocabulary.
"""

from collections.abc import Iterable
from typing import cast

from torch import Tensor, nn
from torch.nn.functional import linear

from a3b_tune.models.block import NormName
from a3b_tune.models.causal import CausalBlock
from a3b_tune.models.dropout import Dropout
from a3b_tune.models.embedding import token_embedding
from a3b_tune.models.geometry import check_positive, width_of
from a3b_tune.models.linear import Linear
from a3b_tune.models.positions import Positions, PositionsName

Cache = tuple[Tensor, ...]
"""What each block has seen so far, (B, T, 2C): its keys and values."""


class CausalTransformer(nn.Module):
    """Embedding, positions, dropout, causal blocks (with norm "pre" one more layer norm at the
    end), linear layer.

    `tokens` (B, T) int64, of which none is padding, to logits (B, T, classes); T at most
    `max_length` unless positions are "none". `width`, where given, is the number of channels and
    `head_width` does not count; else they are heads × head_width. `tied` reads the logits by the
    embedding itself, without a bias. The weights by which blocks add to their input start smaller
    by sqrt(2 · depth) (Radford et al. 2019). ValueError: no such positions or norm, heads that do
    not divide the width, a depth below 1, dropout outside [0, 1), tied with other classes than
    words.
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
        depth: int = 3,
        positions: PositionsName = "learned",
        dropout: float = 0.0,
        norm: NormName = "pre",
        tied: bool = False,
        embedding_std: float = 0.02,
    ) -> None:
        super().__init__()
        check_positive("depth", depth)
        if tied and classes != vocabulary:
            raise ValueError(f"tied output of {classes} classes over {vocabulary} words")
        channels = width_of(heads, head_width, width)
        self.embedding = token_embedding(vocabulary, channels, embedding_std)
        self.positions = Positions(positions, max_length, channels, scale=embedding_std)
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(
            CausalBlock(channels, heads, dropout=dropout, norm=norm) for _ in range(depth)
        )
        for block in self._blocks():
            block.scale_residuals((2 * depth) ** -0.5)
        self.last_norm = nn.LayerNorm(channels) if norm == "pre" else nn.Identity()
        # Tied there is no second parameter: in a stack the one must stay one.
        self.classify = None if tied else Linear(channels, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, T, V)."""
        x = self.dropout(self.positions(self.embedding(tokens)))  # (B, T, C)
        for block in self.blocks:
            x = block(x)
        return self.logits(x)

    def begin(self, tokens: Tensor) -> tuple[Tensor, Cache]:
        """The last position's logits (B, V) of `tokens` (B, T), and the cache to go on from."""
        x = self.dropout(self.positions(self.embedding(tokens)))  # (B, T, C)
        cache = []
        for block in self._blocks():
            x, seen = block.begin(x)
            cache.append(seen)
        return self.logits(x[:, -1]), tuple(cache)

    def go_on(self, tokens: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """The logits (B, V) after one more token (B,), and the cache with it: the numbers of
        `forward` on the whole text. It must not grow beyond `max_length`."""
        x = self.embedding(tokens.unsqueeze(1))  # (B, 1, C)
        x = self.dropout(self.positions.at(x, cache[0].shape[1]))
        grown = []
        for block, seen in zip(self._blocks(), cache, strict=True):
            x, seen = block.go_on(x, seen)
            grown.append(seen)
        return self.logits(x[:, -1]), tuple(grown)

    def _blocks(self) -> Iterable[CausalBlock]:
        return cast(Iterable[CausalBlock], self.blocks)

    def logits(self, x: Tensor) -> Tensor:
        """(..., C) to (..., V)."""
        x = self.last_norm(x)
        if self.classify is None:
            return linear(x, self.embedding.weight)
        logits: Tensor = self.classify(x)
        return logits
