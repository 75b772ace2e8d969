"""Batches of rows of about the same length, padded on the right, on the rows' own device.

Knows nothing of words, models or training steps; the order of an epoch comes from the generator
that is passed in. Padding and conversion are what question 1 of the course asks for. Letters: N
rows, B batch, T positions.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from a3b_tune.data.rows import Rows
from a3b_tune.data.vocabulary import PAD

# Above this many tokens rows of one length are not held as one int64 table, to save memory.
TABLE_LIMIT = 2**24
# Rows that are looked at first: where these differ, all need not be compared.
SAMPLE = 1024


@dataclass(frozen=True)
class Patterns:
    """D different rows of which all rows are copies: `tokens` (D, T), `labels` (D,), and `which`
    (N,) says which of them each row is."""

    tokens: Tensor
    labels: Tensor
    which: Tensor

    def shares(self, rows: Tensor) -> Tensor:
        """(K, D) how much of each member's batch every different row is, of rows (K, B)."""
        shares = torch.zeros(len(rows), len(self.tokens), device=rows.device)
        each = torch.full((), 1.0 / rows.shape[1], dtype=shares.dtype, device=rows.device)
        return shares.scatter_add_(1, self.which[rows], each.expand(rows.shape))


class Batches:
    """Cuts rows, sorted by length, into batches of `size` rows or of at most `tokens` positions.

    With `tokens`, rows × the longest row of the batch stays within it, padding counted; a row that
    is longer than that is a batch of its own. Exactly one of the two must be given (ValueError).
    """

    def __init__(self, rows: Rows, *, size: int | None = None, tokens: int | None = None) -> None:
        if (size is None) == (tokens is None):
            raise ValueError("batches need either a size in rows or a budget in tokens")
        self.lengths: list[int] = rows.lengths.tolist()
        self.bounds = _bounds(self.lengths, size, tokens)
        self.sizes = [high - low for low, high in pairwise(self.bounds)]
        self.turns = _turns(len(self.sizes))
        self.table = _table(rows)  # (N, T) int64, or None
        self.rows = _padded(rows) if self.table is None else rows
        self.positions = torch.arange(rows.longest, device=rows.lengths.device)  # (T,)

    def __len__(self) -> int:
        """Batches, and so steps, in one epoch."""
        return len(self.sizes)

    def order(self, generator: torch.Generator) -> Tensor:
        """(N,) rows from short to long, rows of equal length shuffled among themselves."""
        shuffled = torch.randperm(len(self.rows), generator=generator, device=generator.device)
        shuffled = shuffled.to(self.rows.lengths.device)
        if self.table is not None:
            return shuffled
        return shuffled[self.rows.lengths[shuffled].argsort(stable=True)]

    def epoch(self, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Each row once: tokens (B, T) and labels (B,), both int64.

        The same generator state gives the same batches on every device, if the generator itself is
        on the CPU. Which rows make a batch changes from epoch to epoch; in which turn short and
        long batches come is mixed once and for all, so that members of a stack, each with its own
        rows, are at batches of one size and length together. Counts are not read: rows to train on
        are not merged.
        """
        order = self.order(generator).unsqueeze(0)
        for tokens, labels in self.stacked(order):
            yield tokens[0], labels[0]

    def stacked(self, orders: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """An epoch of K members at once: tokens (K, B, T) and labels (K, B).

        :param orders: (K, N), the `order` of each.
        """
        for turn in self.turns:
            yield self._batch(orders, turn)

    def places(self, orders: Tensor) -> Iterator[Tensor]:
        """As `stacked`, but which rows (K, B) they are, not what is in them."""
        for turn in self.turns:
            yield orders[:, self.bounds[turn] : self.bounds[turn + 1]]

    @cached_property
    def patterns(self) -> "Patterns | None":
        """The few different rows, if that is what the rows are; None where they are not, or are of
        unequal length."""
        few = max(self.sizes) / 2
        if self.table is None or len(torch.unique(self.table[:SAMPLE], dim=0)) > few:
            return None
        both = torch.cat([self.table, self.rows.labels.unsqueeze(1)], 1)  # (N, T + 1)
        different, which = torch.unique(both, dim=0, return_inverse=True)
        if len(different) > few:
            return None
        return Patterns(different[:, :-1].contiguous(), different[:, -1].contiguous(), which)

    def middle(self, orders: Tensor) -> tuple[Tensor, Tensor]:
        """The batch of middling length alone, as in `stacked`."""
        return self._batch(orders, len(self) // 2)

    def longest(self, orders: Tensor) -> tuple[Tensor, Tensor]:
        """The batch with the longest rows alone, as in `stacked`."""
        return self._batch(orders, len(self) - 1)

    def _batch(self, orders: Tensor, turn: int) -> tuple[Tensor, Tensor]:
        low, high = self.bounds[turn], self.bounds[turn + 1]
        some = orders[:, low:high]  # (K, B)
        if self.table is not None:
            return self.table[some], self.rows.labels[some]
        return self._tokens(self.rows.starts[some], low), self.rows.labels[some]

    def in_order(self, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """From short to long, `size` rows at a time, for evaluation: tokens (B, T), labels (B,) and
        how often each row stands in the data, counts (B,)."""
        rows = self.rows
        for low in range(0, len(rows), size):
            some = slice(low, low + size)
            if self.table is not None:
                tokens = self.table[some]
            else:
                tokens = self._tokens(rows.starts[some], low)
            yield tokens, rows.labels[some], rows.counts[some]

    def _tokens(self, starts: Tensor, low: int) -> Tensor:
        """(..., B, T) the rows that start at `starts` (..., B) and stand from place `low` on.

        Whichever rows of equal length stand there, the lengths at these places are known, so the
        device is never asked for a number."""
        high = low + starts.shape[-1]
        longest = self.lengths[high - 1]
        positions = self.positions[:longest]
        index = starts.unsqueeze(-1) + positions  # (..., B, T)
        if self.lengths[low] < longest:
            inside = positions < self.rows.lengths[low:high].unsqueeze(1)  # (B, T)
            index = index.where(inside, len(self.rows.tokens) - 1)
        return self.rows.tokens[index].long()


def _turns(batches: int) -> list[int]:
    """The batches in mixed order, always the same one."""
    generator = torch.Generator().manual_seed(batches)
    turns: list[int] = torch.randperm(batches, generator=generator).tolist()
    return turns


def _bounds(lengths: list[int], size: int | None, tokens: int | None) -> list[int]:
    """The places where a batch ends and the next begins, 0 and N among them."""
    if (size if size is not None else tokens or 0) < 1:
        raise ValueError(f"a batch of {tokens if size is None else size} is empty")
    rows, bounds = len(lengths), [0]
    while (low := bounds[-1]) < rows:
        step = size or _fitting(lengths, low, tokens or 0)
        bounds.append(min(low + step, rows))
    return bounds


def _fitting(lengths: list[int], low: int, tokens: int) -> int:
    """How many rows from `low` on fit into `tokens` positions, at least one. The cost of a batch
    only grows with its last row, so the last that fits is found by halving."""
    most = min(len(lengths) - low, tokens // lengths[low])
    ends = range(low + 1, low + most)
    return 1 + bisect_left(ends, True, key=lambda end: lengths[end] * (end - low + 1) > tokens)


def _table(rows: Rows) -> Tensor | None:
    """Rows of one length as (N, T) int64: an epoch is then one gather, a batch a view of it."""
    length = rows.longest
    if not length or int(rows.lengths[0]) != length or len(rows) * length > TABLE_LIMIT:
        return None
    return rows.packed().tokens.long().view(-1, length)


def _padded(rows: Rows) -> Rows:
    """Packed, with one padding token at the end for every place outside a row to point at."""
    rows = rows.packed()
    pad = rows.tokens.new_full((1,), PAD)
    return replace(rows, tokens=torch.cat([rows.tokens, pad]))
