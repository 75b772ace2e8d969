"""Events as the loop tells them, in few words."""

from a3b_tune.training import Epoch
from a3b_tune.tuning.events import EpochDone, TrialEnded, TrialStarted

PARAMS = {"model.heads": 4, "optimizer.lr": 0.00321}


def started(number, params=PARAMS, repeats=None, slots=1):
    return TrialStarted(number, {**params, "training.epochs": 3}, params, repeats, slots)


def epoch(number, at, accuracy, epochs=3):
    return EpochDone(number, epochs, Epoch(at, 0.5, accuracy, 1.0, 1e-3, 0.1, 0.1))


def ended(number, value, state="complete", best_epoch=1, reason=None):
    return TrialEnded(number, state, value, None if value is None else best_epoch, reason)


def whole(number, accuracies, params=PARAMS, state="complete", reason=None, best_of=max):
    """All events of a trial, its best epoch counted as the loop counts it."""
    best = best_of(accuracies, default=None)
    at = accuracies.index(best) + 1 if accuracies else None
    epochs = [epoch(number, n, value, len(accuracies)) for n, value in enumerate(accuracies, 1)]
    return [started(number, params), *epochs, TrialEnded(number, state, best, at, reason)]
