"""Whether a trial is worth its next epoch: Optuna's pruners over values held in memory.

Knows neither how values are stored nor how they were measured.
"""

import warnings

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from a3b_tune.study import StudyFile


def build_pruner(file: StudyFile) -> BasePruner:
    """The pruner of a study file. Its resource is the epoch, of text the evaluation."""
    spec = file.study.pruner
    match spec.name:
        case "hyperband":
            return optuna.pruners.HyperbandPruner(
                spec.min_resource, max(spec.min_resource, file.rounds), spec.reduction_factor
            )
        case "asha":
            return optuna.pruners.SuccessiveHalvingPruner(
                spec.min_resource, spec.reduction_factor, spec.min_early_stopping_rate
            )
        case "median":
            return optuna.pruners.MedianPruner(spec.startup_trials, spec.warmup_epochs)
        case "percentile":
            return optuna.pruners.PercentilePruner(
                spec.percentile, spec.startup_trials, spec.warmup_epochs
            )
        case "patient":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return optuna.pruners.PatientPruner(None, spec.patience, spec.min_delta)
    return optuna.pruners.NopPruner()


def should_prune(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Asks the study's pruner about a running trial with the values it has reported so far."""
    return not isinstance(study.pruner, optuna.pruners.NopPruner) and study.pruner.prune(
        study, trial
    )
