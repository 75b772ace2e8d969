"""Which settings decided: the share of each in what sets a study's best trials apart.

The method is PED-ANOVA (Watanabe, Bansal & Hutter, IJCAI 2023; for settings that only some models
have, its 2026 extension), Optuna's own default, which needs no extra package. Knows nothing of how
shares are shown.
"""

import warnings
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from a3b_tune.study import Metric, StudyFile
from a3b_tune.tuning.ranges import distribution

if TYPE_CHECKING:
    from a3b_tune.results.trials import TrialRow
    from a3b_tune.tuning.studies import StoredStudy

# Fewer trials than this say nothing about several settings.
FEWEST = 10
# The best tenth is compared with all, but no fewer than five trials: Optuna's advice.
SHARE = 0.1
TOP = 5


@dataclass(frozen=True)
class Importances:
    """`shares` by setting, the largest first, sum 1: how much each had to do with being among the
    `top` best of `trials`. Empty with a `reason` where that cannot be said."""

    shares: Mapping[str, float]
    trials: int
    top: int
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "method": "PED-ANOVA",
            "shares": dict(self.shares),
            "trials": self.trials,
            "top": self.top,
            "reason": self.reason,
        }


def importances(stored: "StoredStudy") -> Importances:
    """The importances of a study's searched settings.

    Pruned trials count too, with the best value they reached: Optuna leaves them out, but then a
    setting whose bad values were all pruned, as a learning rate's are, would seem to matter little.
    Failed trials do not count.
    """
    metric = stored.file.metric
    trials = _keyed(stored.study.get_trials(deepcopy=False), metric)
    values = [value for _, value in trials]
    searched = stored.file.searched()
    if reason := _too_little(len(searched), values, metric):
        return Importances({}, len(trials), 0, reason)
    share = _share(values)
    cutoff = sorted(values, reverse=True)[ceil(share * len(values)) - 1]
    top = sum(value >= cutoff for value in values)
    return Importances(_evaluate(trials, share), len(trials), top)


def _keyed(found: Iterable[FrozenTrial], metric: Metric) -> list[tuple[FrozenTrial, float]]:
    """Trials with the keys of their best values, larger ones being better. One that diverged before
    its first epoch ended is as bad as can be, or where that has no number as the worst other."""
    ended = [
        trial
        for trial in found
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and trial.params
    ]
    best = [metric.best(trial.intermediate_values.values()) for trial in ended]
    return list(zip(ended, _keys(best, metric), strict=True))


def _keys(values: Sequence[float | None], metric: Metric) -> list[float]:
    known = [metric.key(value) for value in values if value is not None]
    worst = min(known, default=0.0) if metric.worst is None else metric.key(metric.worst)
    return [worst if value is None else metric.key(value) for value in values]


def _too_little(searched: int, values: Sequence[float], metric: Metric) -> str | None:
    if searched == 0:
        return "no setting is searched"
    if searched == 1:
        return "only one setting is searched"
    if len(values) < FEWEST:
        return f"{len(values)} trials have ended; it takes at least {FEWEST}"
    worst = min(values)
    better = sum(value > worst for value in values)
    told = f"{metric.key(worst):.5g}"
    if better == 0:
        return f"all {len(values)} trials reached the same {metric.name}, {told}"
    if better < TOP:
        return f"only {better} of {len(values)} trials did better than {told}"
    return None


def _share(values: Sequence[float]) -> float:
    """The share of the trials that counts as best; never all of them, however many are equal."""
    share = max(SHARE, TOP / len(values))
    worst = min(values)
    return min(share, sum(value > worst for value in values) / len(values))


def halved(
    rows: Iterable["TrialRow"], file: StudyFile, times: int, seed: int
) -> dict[str, list[float]]:
    """The shares of each setting over halves of a study's trials, drawn at random. A half in which
    all trials are equally good says nothing and is left out.

    Halves, since a trial that is drawn twice, as in a bootstrap, looks to a density of a few best
    trials like a peak: learning rates then seem to matter. Their spread is that of the whole (the
    delete-half jackknife: Shao and Wu, Annals of Statistics 17, 1989).
    """
    trials = _complete(rows, file)
    storage, draws = _Drawn(), np.random.default_rng(seed)
    study = optuna.create_study(direction="maximize", storage=storage)
    found: dict[str, list[float]] = {name: [] for name in file.searched()}
    for _ in range(times):
        half = draws.permutation(len(trials))[: len(trials) // 2]
        storage.drawn = [trials[at] for at in half]
        values = [float(trial.value or 0.0) for trial in storage.drawn]
        if values and 0.0 < (share := _share(values)) < 1.0:
            shares = _shares(study, share)
            for name, own in found.items():
                own.append(shares.get(name, 0.0))
    return {name: own for name, own in found.items() if own}


class _Drawn(InMemoryStorage):
    """A study of the trials that are put here, which are not copied."""

    drawn: list[FrozenTrial]

    def __init__(self) -> None:
        super().__init__()
        self.drawn = []

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return self.drawn


def _complete(rows: Iterable["TrialRow"], file: StudyFile) -> list[FrozenTrial]:
    """The trials that count, as complete ones whose value is larger the better they are."""
    ranges = {name: distribution(setting) for name, setting in file.searched().items()}
    ended = [row for row in rows if row.state in ("complete", "pruned") and row.params]
    keys = _keys([row.value for row in ended], file.metric)
    trials = []
    for row, key in zip(ended, keys, strict=True):
        own = {name: value for name, value in row.params.items() if name in ranges}
        trial = create_trial(value=key, params=own, distributions={n: ranges[n] for n in own})
        trial._trial_id = row.number
        trials.append(trial)
    return trials


def _evaluate(trials: Sequence[tuple[FrozenTrial, float]], share: float) -> dict[str, float]:
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            create_trial(
                state=TrialState.COMPLETE,
                value=value,
                params=trial.params,
                distributions=trial.distributions,
            )
            for trial, value in trials
        ]
    )
    return _shares(study, share)


def _shares(study: optuna.Study, share: float) -> dict[str, float]:
    with warnings.catch_warnings():
        # It warns of models with a single trial, whose settings then count for nothing.
        warnings.simplefilter("ignore")
        evaluator = PedAnovaImportanceEvaluator(target_quantile=share)
        return get_param_importances(study, evaluator=evaluator)
