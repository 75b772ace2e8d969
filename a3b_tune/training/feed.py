"""What a stack reads at each step: each member's own batch of rows or windows, or, where the same
few rows come over and over, each of these once and how much of each member's batch it is.

xor's 25 000 rows hold four different ones: four rows with weights are the same loss and the same
gradient as a batch of 64. Letters: K members, B batch, T positions, D different rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from a3b_tune.data import Batches
from a3b_tune.data.windows import Windows


@dataclass(frozen=True)
class Fed:
    """One step's rows: tokens (K, B, T) and labels (K, B), of text (K, B, T); or, where `shares`
    (K, D) says how much of each member's batch they are, rows for all alike: tokens (D, T) and
    labels (D,). `rows` is B, `full` says that this is not a shorter batch at the end."""

    tokens: Tensor
    labels: Tensor
    shares: Tensor | None
    rows: int
    full: bool

    def parts(self, count: int) -> "list[Fed]":
        """The batch cut into so many of one size; ValueError where it cannot be."""
        if count == 1:
            return [self]
        if self.shares is not None or self.rows % count:
            raise ValueError(f"{self.rows} rows cannot be cut into {count} parts")
        cut = zip(self.tokens.chunk(count, 1), self.labels.chunk(count, 1), strict=True)
        return [replace(self, tokens=t, labels=n, rows=self.rows // count) for t, n in cut]


class Feed:
    """The batches of a shape. `merge` allows rows to be merged: not where noise falls on them."""

    def __init__(self, batches: Batches | Windows) -> None:
        self._batches = batches
        self._patterns = batches.patterns
        self._most = max(batches.sizes)

    def epoch(self, orders: Tensor, *, merge: bool) -> Iterator[Fed]:
        """Every member's rows once, in its order (K, N)."""
        if merge and self._patterns is not None:
            for places in self._batches.places(orders):
                yield self._merged(places)
            return
        for tokens, labels in self._batches.stacked(orders):
            yield self._own(tokens, labels)

    def middle(self, orders: Tensor, *, merge: bool) -> Fed:
        """One step of middling length."""
        if merge and self._patterns is not None:
            return self._merged(orders[:, : self._most])
        return self._own(*self._batches.middle(orders))

    def longest(self, orders: Tensor, *, merge: bool) -> Fed:
        """The step with the longest rows."""
        if merge and self._patterns is not None:
            return self.middle(orders, merge=True)
        return self._own(*self._batches.longest(orders))

    def _own(self, tokens: Tensor, labels: Tensor) -> Fed:
        rows = labels.shape[1]
        return Fed(tokens, labels, None, rows, rows == self._most)

    def _merged(self, places: Tensor) -> Fed:
        assert self._patterns is not None
        rows = places.shape[1]
        shares = self._patterns.shares(places)
        return Fed(self._patterns.tokens, self._patterns.labels, shares, rows, rows == self._most)
