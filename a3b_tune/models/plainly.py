"""The plain computation where models would take the quickest: for an exporter, which knows no
kernel of ours and writes down the ways it sees taken, and for who wants to look at attention.

The numbers are the same up to rounding. Knows no model.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

# One for the process: a context variable would be one more thing that `torch.compile` must know.
_seen: list[Tensor] | None = None


def plain() -> bool:
    """Whether the plain way is asked for."""
    return _seen is not None


@contextmanager
def plainly() -> Iterator[list[Tensor]]:
    """While it lasts, models compute plainly, and the attention weights (B, H, S, T) of each layer
    that they go through are put in the list."""
    global _seen
    found: list[Tensor] = []
    before, _seen = _seen, found
    try:
        yield found
    finally:
        _seen = before


def show(weights: Tensor) -> Tensor:
    """The weights themselves, having been put where who looks finds them."""
    if _seen is not None:
        _seen.append(weights)
    return weights
