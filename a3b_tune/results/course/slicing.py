"""Tried out: windows of a text by one operation and by a loop, the same ones, and how quickly.

Knows no question. Letters: N tokens, B batch, L inputs.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from a3b_tune.data import toy
from a3b_tune.data.windows import all_windows, take

LENGTH, SIZE = 128, 256
CHARACTERS = 100_000
SEED = 0
# Each way is timed so often, for so many seconds, and its best time counts.
TIMES, SECONDS = 3, 0.05


@dataclass(frozen=True)
class Slicing:
    """How many tokens differ between the two ways, how many targets are not the next input, and
    the windows that each way takes in a second."""

    unlike: int
    shifted: int
    at_once: float
    loop: float


def slicing() -> Slicing:
    """Batches of windows of the toy text."""
    text = torch.tensor(list(toy.generate(CHARACTERS, SEED).encode()), dtype=torch.uint8)
    table = all_windows(text, LENGTH)
    starts = torch.randint(len(table), (SIZE,), generator=torch.Generator().manual_seed(SEED))
    inputs, targets = take(table, starts)
    other_inputs, other_targets = by_loop(text, starts)
    return Slicing(
        int((inputs != other_inputs).sum() + (targets != other_targets).sum()),
        int((inputs[:, 1:] != targets[:, :-1]).sum()),
        _per_second(lambda: take(table, starts)),
        _per_second(lambda: by_loop(text, starts)),
    )


def by_loop(text: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """One window after the other: inputs and targets (B, L)."""
    places = starts.tolist()
    inputs = torch.stack([text[at : at + LENGTH].long() for at in places])
    return inputs, torch.stack([text[at + 1 : at + 1 + LENGTH].long() for at in places])


def _per_second(cut: Callable[[], object]) -> float:
    return max(_once(cut) for _ in range(TIMES))


def _once(cut: Callable[[], object]) -> float:
    cuts, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < SECONDS:
        cut()
        cuts += 1
    return SIZE * cuts / spent
