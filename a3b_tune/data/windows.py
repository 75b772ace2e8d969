"""Windows of a long text: L inputs and, one token on, L targets, all cut in one operation.

Knows nothing of models or of training steps; where windows start comes from the generator that is
passed in. Question 10 of the course asks for this. Letters: N tokens, K members, B batch, L inputs.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

# Targets of fixed windows begin here where the text is long enough, so that any two lengths up to
# this one are scored on the same targets.
CONTEXT = 1024
FIXED_SEED = 20_240


class Windows:
    """`steps` batches of `size` windows that start anywhere in `text` (N,), with the face of
    `Batches`: an epoch of a text is so many steps.

    `table` (N - L, L + 1) is each window there is, as a view: nothing is held twice, and a text
    that lies in a memory-mapped file stays there. Raises ValueError where no window fits.
    """

    patterns = None

    def __init__(self, text: Tensor, length: int, size: int, steps: int) -> None:
        if min(length, size, steps) < 1:
            raise ValueError(f"{steps} steps of {size} windows of {length} tokens are nothing")
        self.table = all_windows(text, length)
        self.length = length
        self.sizes = [size] * steps
        self.size = size

    def __len__(self) -> int:
        """Batches, and so steps, in one epoch."""
        return len(self.sizes)

    def order(self, generator: torch.Generator) -> Tensor:
        """(steps · B,) where the windows of one epoch start, all places equally likely."""
        return _anywhere(self.table, len(self) * self.size, generator)

    def epoch(self, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (B, L) and targets (B, L), both int64; the same generator state gives the same
        windows on every device, if the generator itself is on the CPU."""
        for tokens, labels in self.stacked(self.order(generator).unsqueeze(0)):
            yield tokens[0], labels[0]

    def stacked(self, orders: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """An epoch of K members at once: inputs and targets, both (K, B, L).

        :param orders: (K, steps · B), the `order` of each.
        """
        for some in self.places(orders):
            yield take(self.table, some)

    def places(self, orders: Tensor) -> Iterator[Tensor]:
        """As `stacked`, but where the windows (K, B) start, not what is in them."""
        for turn in range(len(self)):
            yield orders[:, turn * self.size : (turn + 1) * self.size]

    def middle(self, orders: Tensor) -> tuple[Tensor, Tensor]:
        """One batch of the epoch alone, as in `stacked`."""
        turn = len(self) // 2
        return take(self.table, orders[:, turn * self.size : (turn + 1) * self.size])

    def longest(self, orders: Tensor) -> tuple[Tensor, Tensor]:
        """As `middle`: windows are all of one length."""
        return self.middle(orders)


def all_windows(text: Tensor, length: int) -> Tensor:
    """(N - L, L + 1) every window of `text` (N,), a view of it. Raises ValueError where there is
    none."""
    if len(text) <= length:
        raise ValueError(f"{len(text)} tokens hold no window of {length} and a target")
    return text.unfold(0, length + 1, 1)


def take(table: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """The windows of `all_windows` that begin at `starts` (...): inputs and targets (..., L)."""
    window = table[starts].long()  # (..., L + 1)
    return window[..., :-1], window[..., 1:]


def fixed_windows(text: Tensor, length: int, count: int) -> Tensor:
    """(count,) where windows start that are always the same, on the text's device.

    What is drawn, with replacement, is the place of the last target: all lengths up to 1 024 have
    the same ones (half the text's length, where that is less), each given the tokens before it that
    its length allows. A smaller count gives the first of a larger one.
    """
    low = max(length, min(CONTEXT, len(text) // 2))
    if low >= len(text):
        raise ValueError(f"{len(text)} tokens hold no window of {length} and a target")
    generator = torch.Generator().manual_seed(FIXED_SEED)
    targets = torch.randint(low, len(text), (count,), generator=generator)
    return (targets - length).to(text.device)


def fresh_windows(text: Tensor, length: int, count: int, generator: torch.Generator) -> Tensor:
    """(count,) where windows start, all places equally likely, on the text's device."""
    return _anywhere(all_windows(text, length), count, generator)


def _anywhere(table: Tensor, count: int, generator: torch.Generator) -> Tensor:
    starts = torch.randint(len(table), (count,), generator=generator, device=generator.device)
    return starts.to(table.device)
