"""What a few repeated measurements say: means with their intervals, tests of paired differences.

Degrees of freedom are whole numbers here, for which the distributions are finite sums (Abramowitz
and Stegun 1964, 26.4.4, 26.4.5, 26.7.3, 26.7.4). Knows nothing of seeds, models and studies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import atan, cos, erfc, exp, inf, pi, sin, sqrt
from statistics import fmean

import numpy as np

# With more differences than this, all their signs are too many to be gone through.
FEW = 16
LEVEL = 0.95


def mean_interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """The mean of some values and half of its interval by Student's t, as in `0.897 ± 0.006`;
    the half is infinite for one value, which says nothing of how others would scatter."""
    if len(values) < 2:
        return fmean(values), inf
    return fmean(values), t_quantile(1.0 - level, len(values) - 1) * standard_error(values)


def standard_error(values: Sequence[float]) -> float:
    """The standard error of the mean of at least two values."""
    mean = fmean(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


def t_two_sided(t: float, freedom: int) -> float:
    """The probability that Student's t is farther from 0 than `t`."""
    angle = atan(abs(t) / sqrt(freedom))
    cosine = cos(angle)
    odd = freedom % 2 == 1
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for power in range(1 if odd else 0, freedom - 1, 2):
        total += term
        term *= cosine * cosine * (power + 1) / (power + 2)
    inside = 2.0 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
    return max(0.0, 1.0 - inside)


def t_quantile(outside: float, freedom: int) -> float:
    """The `t` beyond which, on both sides together, the share `outside` lies."""
    low, high = 0.0, 1.0
    while t_two_sided(high, freedom) > outside:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if t_two_sided(middle, freedom) > outside else (low, middle)
    return high


def chi_square_above(x: float, freedom: int) -> float:
    """The probability that chi-square is larger than `x`."""
    if x <= 0.0:
        return 1.0
    odd = freedom % 2
    term = sqrt(2.0 * x / pi) if odd else 1.0
    total = 0.0
    for denominator in range(1 + 2 * odd if odd else 2, freedom + 1, 2):
        total += term
        term *= x / denominator
    return min(1.0, (erfc(sqrt(x / 2.0)) if odd else 0.0) + exp(-x / 2.0) * total)


def ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value, 1 for the smallest; equal ones share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    before = 0
    for _, group in groupby(order, key=values.__getitem__):
        equals = list(group)
        for index in equals:
            found[index] = before + (len(equals) + 1) / 2.0
        before += len(equals)
    return found


def sign_flips(differences: Sequence[float]) -> float | None:
    """The exact two-sided p-value of the permutation test that flips the signs of paired
    differences (Fisher 1935); None where they are too many for that."""
    if len(differences) > FEW:
        return None
    sums = np.zeros(1)
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    # Sums of the same numbers in another order differ in their last digits.
    slack = 1e-9 * sum(map(abs, differences))
    return float(np.mean(np.abs(sums) >= abs(sum(differences)) - slack))


@dataclass(frozen=True)
class Paired:
    """What the differences of pairs say: their `mean`, `half` of its 95 % interval, the p-value of
    the paired t-test, and that of the exact test by flipped signs; None where pairs are too many
    for it."""

    mean: float
    half: float
    p: float
    p_exact: float | None
    pairs: int


def paired_test(differences: Sequence[float]) -> Paired:
    """Tests whether at least two paired differences are 0 on average."""
    mean, half = mean_interval(differences)
    error, freedom = standard_error(differences), len(differences) - 1
    # The same difference each time leaves no doubt; none at all leaves nothing to doubt.
    sure = 0.0 if mean else 1.0
    p = t_two_sided(mean / error, freedom) if error > 0.0 else sure
    return Paired(mean, half, p, sign_flips(differences), len(differences))
