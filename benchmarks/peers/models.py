"""The tuned loop's models: the script's, with only what the prediction reads.

Of several ways to write each the fastest stands here (milliseconds per step, forward, backward and
fused Adam, one core, batch 32, width 64). Letters: B batch, T positions, C channels, H heads,
D = C / H, V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.work import Work


def first_query(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention of one query (B, 1, ..., D) over keys and values (B, T, ..., D): (B, ..., D).

    Simple attention on synth: 0.36 ms; `scaled_dot_product_attention` with a head dimension 0.37,
    without one 0.59, `bmm` 0.53, `einsum` 0.57.
    """
    weights = (q * k).sum(-1, keepdim=True).softmax(1)
    return (weights * v).sum(1)


class Baseline(nn.Module):
    """Embed, mean, classify. IMDb: `embedding_bag` with weights 4.1 ms, with `mode="mean"` 5.9,
    gathered and summed 4.5."""

    def __init__(self, width: int, vocabulary: int, classes: int, sparse: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, sparse=sparse)
        self.classify = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        table, sparse = self.embedding.weight, self.embedding.sparse
        if not sparse:
            return self.classify(self.embedding(tokens).mean(1))
        real = (tokens != 0).to(table.dtype)
        weights = real / real.sum(1, keepdim=True)  # (B, T)
        mean = F.embedding_bag(tokens, table, mode="sum", per_sample_weights=weights, sparse=sparse)
        return self.classify(mean)


class SimpleAttention(nn.Module):
    """Embed, first query, classify."""

    def __init__(self, width: int, vocabulary: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)  # or it does not learn
        self.classify = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)  # (B, T, C)
        return self.classify(first_query(x[:, :1], x, x))


class FullAttention(nn.Module):
    """Embed, first query of H heads, unify, classify.

    A batch holds more tokens than there are words (synth 192 and 72, xor 64 and 6), so the table is
    projected and then looked up: 0.64 ms, the other way round 0.70.
    """

    def __init__(self, width: int, heads: int, vocabulary: int, classes: int) -> None:
        super().__init__()
        self.split = (heads, width // heads)
        self.embedding = nn.Embedding(vocabulary, width)
        self.queries = nn.Linear(width, width, bias=False)
        self.keys_values = nn.Linear(width, 2 * width, bias=False)
        self.unify = nn.Linear(width, width)
        self.classify = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        table, (b, t), split = self.embedding.weight, tokens.shape, self.split
        q = F.embedding(tokens[:, :1], self.queries(table)).view(b, 1, *split)
        both = F.embedding(tokens, self.keys_values(table)).view(b, t, 2, *split)
        k, v = both.unbind(2)  # (B, T, H, D)
        y = first_query(q * split[1] ** -0.5, k, v)  # (B, H, D)
        return self.classify(self.unify(y.flatten(1)))


class Transformer(nn.Module):
    """One block, norm first, of which only the first position is carried on."""

    def __init__(self, width: int, heads: int, vocabulary: int, classes: int, longest: int) -> None:
        super().__init__()
        self.split = (heads, width // heads)
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(longest, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.queries = nn.Linear(width, width)
        self.keys_values = nn.Linear(width, 2 * width)
        self.unify = nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.classify = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        (b, t), split = tokens.shape, self.split
        x = self.embedding(tokens) + self.positions  # (B, T, C)
        seen = self.norms[0](x)
        q = self.queries(seen[:, :1]).view(b, 1, *split)
        k, v = self.keys_values(seen).view(b, t, 2, *split).unbind(2)  # (B, T, H, D)
        y = x[:, 0] + self.unify(first_query(q * split[1] ** -0.5, k, v).flatten(1))  # (B, C)
        y = y + self.narrow(F.relu(self.wide(self.norms[1](y))))
        return self.classify(self.norms[2](y))


def build(work: Work, vocabulary: int, classes: int, longest: int) -> nn.Module:
    if work.model == "baseline":
        return Baseline(work.width, vocabulary, classes, work.sparse)
    if work.model == "simple_attention":
        return SimpleAttention(work.width, vocabulary, classes)
    if work.model == "full_attention":
        return FullAttention(work.width, work.heads, vocabulary, classes)
    return Transformer(work.width, work.heads, vocabulary, classes, longest)
