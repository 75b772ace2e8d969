"""What a race comes to: each setting's mean with its interval, who is best, and by how much the
search flattered itself.

Knows no storage and no screen.
"""

from collections.abc import Sequence

import numpy as np

from a3b_tune.finals.contest import Race
from a3b_tune.finals.statistics import Paired, mean_interval, paired_test
from a3b_tune.finals.verdict import Against, Row, Verdict

DRAWS = 4000


def verdict(
    race: Race, *, racing: bool, when: str, seconds: float, against: Against | None = None
) -> Verdict:
    """What a race came to that is over."""
    chances = chances_of_being_best(
        [[race.metric.key(run.value) for run in race.runs(w.trial)] for w in race.contestants]
    )
    rows = []
    for who, chance in zip(race.contestants, chances, strict=True):
        runs = race.runs(who.trial)
        mean, half = mean_interval([run.value for run in runs])
        rows.append(
            Row(
                trial=who.trial,
                seeds=len(runs),
                mean=mean,
                half=half,
                last=sum(run.last for run in runs) / len(runs),
                probability=chance,
                said=who.said,
                optimism=race.metric.key(who.said) - race.metric.key(mean),
                values=tuple(run.value for run in runs),
                dropped=race.dropped.get(who.trial),
                faults=tuple((run.seed, run.fault) for run in runs if run.fault),
            )
        )
    rows.sort(key=lambda row: (-(row.dropped or len(race.seeds) + 1), -race.metric.key(row.mean)))
    return Verdict(
        rows=tuple(rows),
        metric=race.metric.name,
        searched=race.contestants[0].trial,
        optimism=sum(row.optimism for row in rows) / len(rows),
        seeds=tuple(race.seeds),
        racing=racing,
        when=when,
        seconds=seconds,
        against=against,
    )


def chances_of_being_best(values: Sequence[Sequence[float]]) -> list[float]:
    """The probability that each setting's mean is the largest, by the Bayesian bootstrap over seeds
    (Rubin 1981): seeds get random weights, the same for all settings, and the best weighted mean
    wins; equals share. A setting with fewer seeds has those of its first ones.

    :param values: of each setting one for each seed, larger ones better.
    """
    most = max(map(len, values))
    weights = np.random.default_rng(0).exponential(size=(DRAWS, most))  # (draws, seeds)
    means = np.stack(
        [weights[:, : len(v)] @ np.array(v) / weights[:, : len(v)].sum(1) for v in values], axis=1
    )
    # Equal values weighed in another order differ in their last digits.
    best = means >= means.max(1, keepdims=True) - 1e-12
    return [float(share) for share in (best / best.sum(1, keepdims=True)).mean(0)]


def against(first: Race, second: Race, study: str) -> Against:
    """The winners of two races over the same seeds, pair by pair."""
    winners = [verdict(r, racing=True, when="", seconds=0.0).winner for r in (first, second)]
    key = first.metric.key
    pairs = zip(winners[0].values, winners[1].values, strict=True)
    found: Paired = paired_test([key(one) - key(other) for one, other in pairs])
    trial = winners[1].trial
    return Against(study, trial, found.mean, found.half, found.p, found.p_exact, found.pairs)
