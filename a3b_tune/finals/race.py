"""Which settings are clearly behind after some seeds: a race by ranks, as F-Race has it.

Each seed is a block in which settings are ranked. Where Friedman's test sees a difference, those
that Conover's comparison puts behind the one ranked best are dropped; of two, Wilcoxon's exact test
decides (Birattari, Stützle, Paquete and Varrentrapp 2002; Conover 1999). By ranks, because a seed
that diverged is as far off as can be and would hide every other difference in a mean. Knows neither
settings nor how they are trained.
"""

from collections.abc import Sequence
from math import erfc, inf, sqrt

from a3b_tune.finals.statistics import chi_square_above, ranks, sign_flips, t_two_sided

# The seeds of the first round: with fewer, a test can hardly say anything.
FIRST = 4
# The level of each look for so many of them, by which the true best is dropped in at most 5 % of
# races (Pocock 1977, for 10 % on both sides together). More looks than these have the last one.
LEVELS = (0.1, 0.0608, 0.0464, 0.0387, 0.0338, 0.0304, 0.0278, 0.0258)


def rounds(seeds: int) -> list[int]:
    """After how many seeds each round of a race ends: 4, 6, 8, 12, 16, 24, … and `seeds`."""
    found, step = [], FIRST // 2
    count = FIRST
    while count < seeds:
        found.append(count)
        count += step
        if count == 4 * step:
            step *= 2
    return [*found, seeds]


def level(looks: int) -> float:
    """The level of each of so many looks."""
    return LEVELS[min(max(looks, 1), len(LEVELS)) - 1]


def behind(blocks: Sequence[Sequence[float]], alpha: float) -> set[int]:
    """The places of those that are clearly behind.

    :param blocks: for each seed the values of all settings, larger ones better.
    """
    if not blocks or len(blocks[0]) < 2:
        return set()
    if len(blocks[0]) == 2:
        return _of_two([first - second for first, second in blocks], alpha)
    return _of_many([ranks(block) for block in blocks], alpha)


def _of_two(differences: Sequence[float], alpha: float) -> set[int]:
    """Wilcoxon's signed ranks; pairs without a difference say nothing."""
    told = [difference for difference in differences if difference]
    sizes = ranks([abs(difference) for difference in told])
    signed = [rank if d > 0 else -rank for rank, d in zip(sizes, told, strict=True)]
    if not signed:
        return set()
    p = sign_flips(signed)
    if p is None:
        p = erfc(abs(sum(signed)) / sqrt(2.0 * sum(rank * rank for rank in signed)))
    return {1 if sum(signed) > 0 else 0} if p < alpha else set()


def _of_many(ranked: Sequence[Sequence[float]], alpha: float) -> set[int]:
    """Friedman's test, then Conover's comparison with the best."""
    count, settings = len(ranked), len(ranked[0])
    sums = [sum(column) for column in zip(*ranked, strict=True)]
    spread = sum(rank * rank for block in ranked for rank in block)
    spread -= count * settings * (settings + 1) ** 2 / 4.0
    if spread <= 0.0:
        return set()
    middle = count * (settings + 1) / 2.0
    friedman = (settings - 1) * sum((total - middle) ** 2 for total in sums) / spread
    if chi_square_above(friedman, settings - 1) > alpha:
        return set()
    freedom = (count - 1) * (settings - 1)
    left = 1.0 - friedman / (count * (settings - 1))
    # Where all seeds agree nothing is left to chance.
    error = sqrt(max(0.0, 2.0 * count * left * spread / freedom))
    best = max(sums)
    found = set()
    for place, total in enumerate(sums):
        gap = best - total
        t = inf if error < 1e-9 else gap / error
        if gap > 0.0 and (t == inf or t_two_sided(t, freedom) < alpha):
            found.add(place)
    return found
