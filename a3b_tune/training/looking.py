"""The looks at a round's steps: at which of them losses and gradient norms are taken down, and what
is told of them.

Each look reads numbers back from the device, so most steps are not looked at. Knows no model.
Letters: K members.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from a3b_tune.training.learner import Look

# Steps between two looks at rows.
LOOK = 16
# Looks at the steps of a text between two evaluations.
LOOKS = 10


class Looking:
    """One round: `losses` and `norms` of one model are scalars, of a stack (K,)."""

    def __init__(self, steps: int, grouped: bool, like: Tensor) -> None:
        """:param grouped: a text's steps, told in at most `LOOKS` groups of about one size."""
        self._grouped = grouped
        self._like = like
        self._ends = _ends(steps) if grouped else _each(steps)
        self._total = torch.zeros_like(like)
        self._rows = 0
        self._group, self._group_rows = torch.zeros_like(like), 0
        self._groups: list[Tensor] = []
        self._norms: list[Tensor] = []
        self._rates: list[list[float]] = []

    def at(self, index: int) -> bool:
        """Whether the step (counted from 0) is looked at: its norm is wanted."""
        return index in self._ends

    def add(self, loss: Tensor, rows: int) -> None:
        """The mean loss of a step's rows."""
        self._total += loss * rows
        self._rows += rows
        if self._grouped:
            self._group += loss * rows
            self._group_rows += rows

    def look(self, norm: Tensor, rates: Sequence[float]) -> None:
        """A step that was looked at, after its loss was added; `rates` of each member."""
        self._norms.append(norm)
        if self._grouped:
            self._groups.append(self._group / self._group_rows)
            self._rates.append(list(rates))
            self._group, self._group_rows = torch.zeros_like(self._like), 0

    @property
    def losses(self) -> Tensor:
        """Mean losses so far."""
        return self._total / self._rows

    @property
    def norms(self) -> Tensor:
        """Mean gradient norms of the steps looked at."""
        return torch.stack(self._norms).mean(0)

    def told(self, first: Sequence[int]) -> list[tuple[Look, ...]]:
        """Each member's looks; `first` is how many steps each had taken before the round."""
        if not self._groups:
            return [()] * len(first)
        losses = torch.stack(self._groups).view(len(self._groups), -1).tolist()
        norms = torch.stack(self._norms).view(len(self._norms), -1).tolist()
        ends = sorted(self._ends)
        return [
            tuple(
                Look(before + end + 1, losses[at][row], norms[at][row], self._rates[at][row])
                for at, end in enumerate(ends)
            )
            for row, before in enumerate(first)
        ]


def _each(steps: int) -> frozenset[int]:
    """Every so many steps, and the last."""
    return frozenset([*range(LOOK - 1, steps, LOOK), steps - 1])


def _ends(steps: int) -> frozenset[int]:
    """The last steps of groups of about one size."""
    groups = min(LOOKS, steps)
    return frozenset((group + 1) * steps // groups - 1 for group in range(groups))
