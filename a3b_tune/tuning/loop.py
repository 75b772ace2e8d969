"""The main loop: ask, train, report, prune, tell, until the budget, the time or the person says
enough. What happens is told as events; knows nothing of who listens.
"""

import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

from a3b_tune.errors import InputError
from a3b_tune.study import Scalar
from a3b_tune.training import Diverged, Epoch, PlainLearner, Prepared, Stopped, recipe_from
from a3b_tune.training.device import describe_device
from a3b_tune.tuning import records
from a3b_tune.tuning.opening import world_error
from a3b_tune.tuning.studies import StoredStudy
from a3b_tune.tuning.trials import RunningTrial, ask, put_back_lost

# So many trials in a row that fail alike, and the fault is not the settings'.
FAILURES_IN_A_ROW = 3
PERFECT = 1.0
# How PyTorch's CPU allocator says it, in a plain RuntimeError.
NO_MEMORY = "can't allocate memory"


class BrokenRun(Exception):
    """Trial after trial fails with an error that no setting explains; the text is the last one."""


@dataclass(frozen=True)
class LostFound:
    """Trials of dead workers, returned to the queue."""

    numbers: list[int]


@dataclass(frozen=True)
class TrialStarted:
    """`repeats` is an earlier trial with the same settings, now run with a new seed."""

    number: int
    settings: dict[str, Scalar]
    params: dict[str, Scalar]
    repeats: int | None


@dataclass(frozen=True)
class EpochDone:
    number: int
    epochs: int
    epoch: Epoch


@dataclass(frozen=True)
class TrialEnded:
    """`state` is one of `complete`, `pruned`, `failed`, `put back`."""

    number: int
    state: str
    value: float | None
    best_epoch: int | None
    reason: str | None


@dataclass(frozen=True)
class WorkerDied:
    """A worker process ended without a word: how, the trials it had, and whether another one takes
    its place."""

    pid: int
    how: str
    trials: list[int]
    replaced: bool


Event = LostFound | WorkerDied | TrialStarted | EpochDone | TrialEnded


@dataclass(frozen=True)
class Limits:
    """When to stop: at so many trials of the study in all, at a moment of `time.monotonic`, or
    when `stop` answers with a reason."""

    trials: int
    deadline: float | None
    stop: Callable[[], str | None]

    def reached(self) -> str | None:
        """Why to stop now, or None."""
        if reason := self.stop():
            return reason
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "timeout"
        return None


class Run:
    """One worker's share of a study."""

    def __init__(
        self,
        stored: StoredStudy,
        prepared: Prepared,
        limits: Limits,
        notify: Callable[[Event], None],
    ) -> None:
        self._stored = stored
        self._prepared = prepared
        self._limits = limits
        self._notify = notify
        self._failures = 0

    def __call__(self) -> str:
        """Runs trials one after the other.

        :returns: why it ended: `trials` (the budget is met), `timeout`, or the reason of `stop`.
        :raises InputError: the storage cannot be used any more; finished trials are kept.
        :raises BrokenRun: three trials in a row failed with an error.
        """
        try:
            if lost := put_back_lost(self._stored):
                self._notify(LostFound(lost))
            while True:
                if reason := self._limits.reached():
                    return reason
                trial = ask(self._stored, self._limits.trials, self._about())
                if trial is None:
                    return "trials"
                self._run(trial)
        except Exception as error:
            if told := world_error(error):
                raise InputError(told) from error
            raise

    def _about(self) -> dict[str, object]:
        return {
            "device": describe_device(self._prepared.device),
            "threads": torch.get_num_threads(),
            "data_hash": self._prepared.dataset.data_hash,
            "versions": records.versions(),
            "commit": records.commit(),
        }

    def _run(self, trial: RunningTrial) -> None:
        self._notify(TrialStarted(trial.number, trial.settings, trial.params, trial.repeats))
        try:
            state, reason = self._train(trial)
            self._failures = 0
        except Stopped:
            reason = self._limits.reached() or "stopped"
            trial.put_back(reason)
            state = "put back"
        except Diverged as error:
            # Told as pruned, not as failed: a sampler ignores failures and would come back here.
            state, reason = "pruned", f"diverged: {error}"
            trial.prune(reason)
        except OSError as error:
            # A full disk or a closed terminal says nothing about the trial.
            trial.put_back(f"{type(error).__name__}: {error}")
            raise
        except Exception as error:
            if world_error(error):
                raise
            state, reason = "failed", self._fail(trial, error)
        self._notify(TrialEnded(trial.number, state, trial.best_value, trial.best_epoch, reason))
        if self._failures >= FAILURES_IN_A_ROW:
            raise BrokenRun(f"{self._failures} trials in a row failed; the last: {reason}")

    def _train(self, trial: RunningTrial) -> tuple[str, str | None]:
        """Trains to the end or until the trial is ended early; how and why it ended."""
        recipe = recipe_from(trial.settings, trial.seed)
        epochs = recipe.training.epochs
        learner = PlainLearner(recipe, self._prepared, lambda: bool(self._limits.reached()))
        for epoch in learner.epochs():
            trial.spend("training", epoch.seconds)
            trial.spend("evaluation", epoch.evaluation_seconds)
            trial.report(epoch.accuracy, asdict(epoch))
            self._notify(EpochDone(trial.number, epochs, epoch))
            if epoch.accuracy >= PERFECT:
                early = epoch.epoch < epochs
                reason = f"reached {PERFECT} in epoch {epoch.epoch}" if early else None
                trial.complete(reason)
                return "complete", reason
            if epoch.epoch < epochs and trial.should_prune():
                reason = f"behind at epoch {epoch.epoch}"
                trial.prune(reason)
                return "pruned", reason
        trial.complete(None)
        return "complete", None

    def _fail(self, trial: RunningTrial, error: Exception) -> str:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or NO_MEMORY in str(error):
            reason = "out of memory"
        else:
            first_line = str(error).partition("\n")[0]
            reason = f"error: {type(error).__name__}: {first_line}"
        self._failures += 1
        trial.fail(reason, traceback.format_exc())
        return reason
