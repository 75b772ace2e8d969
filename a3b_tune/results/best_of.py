"""The best of so many trials that a search of this kind may expect, with intervals.

The exact expectation of the best of n values drawn from those that were measured (Dodge et al.
2019, "Show Your Work"), at a budget of trials, epochs or seconds: n is the budget over a trial's
mean cost. Intervals by the bootstrap over trials, values and costs together. Knows no study.

Letters: D draws of the bootstrap, N trials, L different values, M budgets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

DRAWS = 400
# With many trials fewer draws say the same, and all of them would take seconds.
LARGEST = 400_000
ENDS = (2.5, 97.5)


@dataclass(frozen=True)
class Expected:
    """The best value that is expected at each budget, the ends of its 95 % interval, and what each
    draw of the bootstrap said: (D, M)."""

    best: Numbers
    low: Numbers
    high: Numbers
    draws: Numbers


def expected_best(
    values: Sequence[float], costs: Sequence[float], budgets: Sequence[float], seed: int = 0
) -> Expected:
    """What the best of the trials is expected to be at each budget, where larger values are better.

    A budget that pays less than one trial expects what one trial does.

    :param values: what each trial came to; no order of them is used.
    :param costs: what each of them cost, in the unit of the budgets.
    """
    order = np.argsort(np.asarray(values, float), kind="stable")
    ordered, paid = np.asarray(values, float)[order], np.asarray(costs, float)[order]
    levels, first = np.unique(ordered, return_index=True)
    shares = _shares(len(ordered), seed)
    below = np.cumsum(np.add.reduceat(shares, first, axis=1), axis=1)
    # Sums of shares may end a little beside 1, which a large power would not forgive.
    below = np.clip(below[:, :-1], 0.0, 1.0)
    # A draw of trials that cost nothing has as many of them as it likes.
    counts = np.asarray(budgets, float)[None, :] / np.maximum(shares @ paid, 1e-9)[:, None]
    steps = np.diff(levels)
    found = np.stack(
        [levels[-1] - below ** np.maximum(n, 1.0)[:, None] @ steps for n in counts.T], axis=1
    )
    low, high = np.percentile(found[1:], ENDS, axis=0)
    return Expected(found[0], low, high, found[1:])


def _shares(trials: int, seed: int) -> Numbers:
    """(1 + D, N): the weight of each trial, first as measured, then in each draw."""
    draws = int(min(DRAWS, max(100, LARGEST // trials)))
    counts = np.random.default_rng(seed).multinomial(trials, np.full(trials, 1 / trials), draws)
    return np.concatenate([np.full((1, trials), 1 / trials), counts / trials])


def first_places(draws: Sequence[Numbers], same: float = 1e-12) -> list[float]:
    """In what share of the draws each of several searches has the best; ties share a place.

    :param draws: for each search (D,), larger being better.
    :param same: values no farther apart than that are equal.
    """
    least = min(map(len, draws))
    table = np.stack([own[:least] for own in draws])
    best = table >= table.max(axis=0) - same
    return [float(share) for share in (best / best.sum(axis=0)).mean(axis=1)]
