"""What `nn.TransformerEncoder` computes, as a classifier: embeddings × √C, sines for positions, the
layers, a mean over the words, a linear layer.

Parameters are called, shaped and begun as those of `nn.TransformerEncoder`, so that its weights can
be loaded; the forward is made of operations that stack, and its dropout has noise of its own.
Letters: B batch, T positions, C channels, H heads, D = C / H.
"""

import math
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from a3b_tune.models.attend import attend
from a3b_tune.models.dropout import Dropout
from a3b_tune.models.embedding import token_embedding
from a3b_tune.models.geometry import check_positive, width_of
from a3b_tune.models.pools import pool
from a3b_tune.models.positions import Positions


class EncoderAttention(nn.Module):
    """`nn.MultiheadAttention` of a sequence with itself: the same parameters, the same output."""

    def __init__(self, width: int, heads: int, *, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        self.dropout = Dropout(dropout)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C); `padding` (B, T) is True where no token is."""
        projected = linear(x, self.in_proj_weight, self.bias())
        split = (*x.shape[:2], 3, self.heads, x.shape[2] // self.heads)
        q, k, v = projected.view(split).unbind(2)  # (B, T, H, D)
        scale = 1.0 / math.sqrt(q.shape[3])
        if self.dropout.drops:
            y = self.attend_dropping(q * scale, k, v, padding)
        else:
            y = attend(q, k, v, padding, scale)
        found: Tensor = self.out_proj(y.flatten(2))
        return found

    def bias(self) -> Tensor:
        """That of queries, keys and values, without the keys'. It adds the same to all scores of a
        query and drops out, so its gradient is rounding alone, which Adam, dividing it by its own
        size, would make into steps."""
        queries, keys, values = self.in_proj_bias.chunk(3)
        return torch.cat((queries, torch.zeros_like(keys), values))

    def attend_dropping(self, q: Tensor, k: Tensor, v: Tensor, padding: Tensor) -> Tensor:
        """Attention of which some weights are left out: these must be written down."""
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))  # (B, H, T, D)
        scores = torch.matmul(q, k.transpose(2, 3))  # (B, H, T, T)
        weights = scores.masked_fill(padding[:, None, None], -math.inf).softmax(3)
        return torch.matmul(self.dropout(weights), v).transpose(1, 2)


class EncoderLayer(nn.Module):
    """`nn.TransformerEncoderLayer` with ReLU and its norms behind. Its dropout falls on the
    attention weights, on what attention and the feed-forward layer add, and inside the latter."""

    def __init__(
        self, width: int, heads: int, feed_forward: int, *, dropout: float, attention_dropout: float
    ) -> None:
        super().__init__()
        self.self_attn = EncoderAttention(width, heads, dropout=attention_dropout)
        self.linear1 = nn.Linear(width, feed_forward)
        self.linear2 = nn.Linear(feed_forward, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        x = self.norm1(x + self.dropout1(self.self_attn(x, padding)))
        y = self.linear2(self.dropout(self.linear1(x).relu()))
        found: Tensor = self.norm2(x + self.dropout2(y))
        return found


class EncoderLayers(nn.Module):
    """`nn.TransformerEncoder`: copies of one layer, which therefore all begin alike."""

    def __init__(self, layer: EncoderLayer, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(deepcopy(layer) for _ in range(depth))

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        for layer in self.layers:
            x = layer(x, padding)
        return x


class Encoder(nn.Module):
    """Embedding × √C, sinusoidal positions, dropout, encoder layers, mean over words, linear layer.

    `tokens` (B, T) int64 with 0 for padding to logits (B, classes); T at most `max_length`.
    `width`, where given, is the number of channels and `head_width` does not count; else they are
    heads × head_width. `attention_dropout` is `dropout` where it is not given, as PyTorch has it;
    0 saves its noise, a number for each pair of words. ValueError: heads that do not divide the
    width, a number below 1, dropout outside [0, 1).
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
        depth: int = 2,
        feed_forward: int = 256,
        dropout: float = 0.0,
        attention_dropout: float | None = None,
        embedding_std: float = 0.1,
    ) -> None:
        super().__init__()
        check_positive("depth", depth)
        check_positive("feed_forward", feed_forward)
        channels = width_of(heads, head_width, width)
        self.scale = math.sqrt(channels)
        self.embedding = token_embedding(vocabulary, channels, embedding_std)
        self.positions = Positions("sinusoidal", max_length, channels)
        self.dropout = Dropout(dropout)
        of_weights = dropout if attention_dropout is None else attention_dropout
        layer = EncoderLayer(
            channels, heads, feed_forward, dropout=dropout, attention_dropout=of_weights
        )
        self.encoder = EncoderLayers(layer, depth)
        self.classify = nn.Linear(channels, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, classes)."""
        padding = tokens == 0
        x = self.dropout(self.positions(self.embedding(tokens) * self.scale))  # (B, T, C)
        logits: Tensor = self.classify(pool("mean", self.encoder(x, padding), padding))
        return logits
