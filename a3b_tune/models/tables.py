"""Where a batch holds more tokens than there are words: worked out once for each word, then read.

What a model adds up over a row's tokens is linear in their embeddings, so it may be worked out for
the table of all words instead, F numbers for each, and then read at the tokens: the same numbers up
to rounding. synth has 72 words and 192 tokens in a batch of 32 rows, and C channels become a
handful of numbers. Knows no layer. Letters: B batch, T positions, C channels, V vocabulary, F
numbers per word, H heads, O outputs, Q openings.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear

# Words worked out for each token of a batch up to which that is the quicker way.
WORTH = 4


@dataclass(frozen=True)
class Openings:
    """The tokens that rows begin with, where the data has few: the select pool asks for no other.

    `tokens` (Q,) are they, `index` (V,) says of each word which opening it is (0 where it is none,
    which is then never read).
    """

    tokens: Tensor
    index: Tensor

    @classmethod
    def of(cls, first: Tensor, vocabulary: int) -> "Openings":
        """From the first token of every row (N,) that will ever be read."""
        tokens = torch.unique(first)
        index = torch.zeros(vocabulary, dtype=torch.int64, device=first.device)
        index[tokens] = torch.arange(len(tokens), device=first.device)
        return cls(tokens, index)


def read(table: Tensor, tokens: Tensor) -> Tensor:
    """A table (F, V) at `tokens` (B, T): (F, T, B).

    Words stand last: gathering and, in the backward pass, scattering single numbers is several
    times faster than moving short rows. Rows stand last in what comes out: T is small, and what is
    reduced over it should be worked on for many rows at once.
    """
    places = tokens.t().reshape(1, -1).expand(table.shape[0], -1)
    return table.gather(1, places).view(table.shape[0], tokens.shape[1], -1)


def products(rows: Tensor, table: Tensor) -> Tensor:
    """Every row (N, C) times every word (V, C): (N, V).

    Compiled, the sums become loops that are fused with what comes before and after; called as they
    are, a matrix product is quicker, and with the words first its gradient is laid out like them.
    """
    if torch.compiler.is_compiling():
        return (rows.unsqueeze(1) * table).sum(2)
    return linear(table, rows).t()


def mean_of_outputs(outputs: Tensor, table: Tensor, tokens: Tensor, weights: Tensor) -> Tensor:
    """A linear layer (O, C) of a weighted sum of embeddings: (B, O).

    :param table: the embeddings (V, C).
    :param weights: (B, T), one for each token.
    """
    words = products(outputs, table)  # (O, V)
    return (read(words, tokens) * weights.t()).sum(1).t()


def first_attends(
    queries: Tensor,
    outputs: Tensor,
    table: Tensor,
    places: Tensor | None,
    tokens: Tensor,
    openings: Openings,
) -> Tensor:
    """Attention asked by the row's first token, and a linear layer of what it gathers: (B, O).

    :param queries: (H, Q, C) what each head asks for in each opening, already scaled: its product
        with an input is the score.
    :param outputs: (O, H, C) what each head makes of an input.
    :param table: the embeddings (V, C).
    :param places: (T, C) what is added to the inputs for their position, or None.
    :param tokens: (B, T), 0 for padding.
    """
    heads, asked, _ = queries.shape
    rows = torch.cat([queries.flatten(0, 1), outputs.flatten(0, 1)])  # (HQ + OH, C)
    words = products(rows, table)  # (HQ + OH, V)
    own = openings.index[tokens[:, 0]] if asked > 1 else None  # (B,)
    index = tokens if own is None else tokens + table.shape[0] * own.unsqueeze(1)
    scores = read(words[: heads * asked].reshape(heads, -1), index)  # (H, T, B)
    values = read(words[heads * asked :], tokens)  # (OH, T, B)
    if places is not None:
        there = rows @ places.t()  # (HQ + OH, T)
        asking = there[: heads * asked].view(heads, asked, -1).transpose(1, 2)  # (H, T, Q)
        scores = scores + (asking if own is None else asking[:, :, own])
        values = values + there[heads * asked :].unsqueeze(2)
    weights = scores.masked_fill(tokens.t() == 0, -math.inf).softmax(1)  # (H, T, B)
    values = values.view(-1, *weights.shape)  # (O, H, T, B)
    return (weights * values).sum((1, 2)).t()
