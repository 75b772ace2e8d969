"""Rows of token indices of unequal length, sorted from short to long, held as five flat tensors.

Knows nothing of words, padding or batches. Letters: N rows, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Self

import numpy as np
import torch
from torch import Tensor

from a3b_tune.data.vocabulary import UNK


@dataclass(frozen=True, eq=False)
class Rows:
    """Row n is `tokens[starts[n] : starts[n] + lengths[n]]`, with its class `labels[n]`; it stands
    for `counts[n]` equal ones.

    Rows are sorted by length, stably. `tokens` may hold more than the rows use (after `cut` or
    `take`, or when it is a mapped file): those two copy no token. `packed` drops the rest.
    Never write into the tensors: they are shared.
    """

    tokens: Tensor  # (total,) int32
    starts: Tensor  # (N,) int64
    lengths: Tensor  # (N,) int64, each at least 1
    labels: Tensor  # (N,) int64
    counts: Tensor  # (N,) int64, each at least 1

    @classmethod
    def from_flat(
        cls, tokens: Tensor, lengths: Tensor, labels: Tensor, chosen: Tensor | None = None
    ) -> Self:
        """Rows that lie one behind the other in `tokens` (total,), in any order of length; only
        those where `chosen` (N,) is True, if it is given.

        Raises ValueError for a row without tokens or for lengths that do not add up.
        """
        if len(lengths) != len(labels) or int(lengths.sum()) != len(tokens):
            raise ValueError(
                f"{len(tokens)} tokens, {len(lengths)} lengths that sum to {int(lengths.sum())} "
                f"and {len(labels)} labels do not belong together"
            )
        if bool((lengths < 1).any()):
            raise ValueError(f"row {int((lengths < 1).nonzero()[0])} has no tokens")
        lengths = lengths.long()
        starts = lengths.cumsum(0) - lengths
        unsorted = cls(tokens, starts, lengths, labels.long(), torch.ones_like(lengths))
        order = lengths.argsort(stable=True)
        return unsorted.take(order if chosen is None else order[chosen[order]])

    @classmethod
    def from_lists(cls, x: Sequence[Sequence[int]], y: Sequence[int]) -> Self:
        """Lists of indices and their labels, in any order of length. Errors as in `from_flat`."""
        lengths = np.fromiter(map(len, x), np.int64, count=len(x))
        tokens = np.fromiter(chain.from_iterable(x), np.int32, count=int(lengths.sum()))
        labels = torch.tensor(list(y), dtype=torch.int64)
        return cls.from_flat(torch.from_numpy(tokens), torch.from_numpy(lengths), labels)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def total(self) -> int:
        """How many tokens the rows hold, counts aside."""
        return int(self.lengths.sum())

    @property
    def longest(self) -> int:
        """Tokens in the longest row; 0 where there is no row."""
        return int(self.lengths[-1]) if len(self) else 0

    def take(self, indices: Tensor) -> Self:
        """The rows at `indices` (n,), which must keep them sorted by length."""
        chosen = (t[indices] for t in (self.starts, self.lengths, self.labels, self.counts))
        return type(self)(self.tokens, *chosen)

    def cut(self, max_length: int) -> Self:
        """Each row's first `max_length` tokens. Raises ValueError below 1."""
        if max_length < 1:
            raise ValueError(f"rows cannot be cut to {max_length} tokens")
        return replace(self, lengths=self.lengths.clamp(max=max_length))

    def packed(self) -> Self:
        """The same rows with nothing else in `tokens`, one behind the other."""
        starts = self.lengths.cumsum(0) - self.lengths
        if self.total == len(self.tokens) and torch.equal(starts, self.starts):
            return self
        shift = (self.starts - starts).repeat_interleave(self.lengths)  # (total,)
        index = shift.add_(torch.arange(len(shift), device=shift.device))
        return replace(self, tokens=self.tokens[index], starts=starts)

    def distinct(self) -> Self:
        """Each different row (tokens and label) once, with its count: accuracy over these, weighted
        by `counts`, is the same number for less work. The first of equal rows keeps its place."""
        rows = self.to("cpu")
        tokens, counts = rows.tokens.numpy(), rows.counts.tolist()
        place: dict[tuple[int, bytes], int] = {}
        firsts: list[int] = []
        merged: list[int] = []
        spans = zip(rows.starts.tolist(), rows.lengths.tolist(), rows.labels.tolist(), strict=True)
        for row, (start, length, label) in enumerate(spans):
            key = (label, tokens[start : start + length].tobytes())
            at = place.setdefault(key, len(firsts))
            if at == len(firsts):
                firsts.append(row)
                merged.append(0)
            merged[at] += counts[row]
        kept = rows.take(torch.tensor(firsts, dtype=torch.int64)).to(self.tokens.device)
        return replace(kept, counts=torch.tensor(merged, device=self.tokens.device))

    def first_words(self, size: int) -> Self:
        """Every index from `size` on becomes `.unk` (the course's `voc=N`)."""
        rows = self.packed()
        return replace(rows, tokens=rows.tokens.where(rows.tokens < size, UNK))

    def to(self, device: str | torch.device) -> Self:
        """Packed, on `device`."""
        rows = self.packed()
        parts = (rows.tokens, rows.starts, rows.lengths, rows.labels, rows.counts)
        return type(self)(*(part.to(device) for part in parts))

    def to_lists(self) -> tuple[list[list[int]], list[int]]:
        """The course's lists: x, from short to long, and y. Counts are not in them."""
        spans = zip(self.starts.tolist(), self.lengths.tolist(), strict=True)
        x: list[list[int]] = [self.tokens[start : start + n].tolist() for start, n in spans]
        y: list[int] = self.labels.tolist()
        return x, y
