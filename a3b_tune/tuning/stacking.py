"""One stack's life: filled with trials of one shape, trained an epoch at a time, refilled as trials
end, until it is empty.

Knows nothing of how members are trained, nor of what to do when that fails.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from optuna.trial import TrialState

from a3b_tune.training import Diverged, Epoch, Learner, Stopped, recipe_from
from a3b_tune.training.shape import Shape
from a3b_tune.tuning.account import WRITE_INTERVAL, Account
from a3b_tune.tuning.asking import Queue
from a3b_tune.tuning.events import EpochDone, Event, TrialEnded, TrialStarted
from a3b_tune.tuning.studies import StoredStudy
from a3b_tune.tuning.trials import NEWS_INTERVAL, RunningTrial, write_all
from a3b_tune.tuning.turns import Turn

PERFECT = 1.0
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class Desk:
    """What all stacks of a worker share. `reached` says why to stop now, or None."""

    stored: StoredStudy
    queue: Queue
    account: Account
    reached: Callable[[], str | None]
    notify: Callable[[Event], None]


class Stack:
    """Trials that are trained together.

    :param held: every trial that this worker has taken for the stack and that has not ended, by
        number; kept right at every moment, so that a caller can put them back whatever happens.
    """

    def __init__(
        self,
        desk: Desk,
        learner: Learner,
        shape: Shape,
        turn: Turn,
        held: dict[int, RunningTrial],
    ) -> None:
        self._desk = desk
        self._learner = learner
        self._shape = shape
        self._turn = turn
        self._held = held
        self._members: dict[int, RunningTrial] = {}
        self._ask_again_at = float("-inf")

    def live(self) -> None:
        """Trains the trials it holds, and those that take their places, to their ends.

        :raises Stopped: it is time to stop.
        """
        self._welcome(list(self._held.values()))
        self._fill(patient=False)
        while self._members:
            if self._desk.reached():
                raise Stopped
            self._epoch()
            self._fill(patient=True)

    def _fill(self, *, patient: bool) -> None:
        """Takes trials for the free slots. Where there were too few, asks again a little later:
        another worker may have put some back."""
        count = int(min(self._learner.room, self._turn.left))
        if count < 1 or time.monotonic() < self._ask_again_at:
            return
        found = self._desk.queue.followers(
            self._shape, count, slots=self._learner.slots, patient=patient
        )
        if len(found) < count:
            self._ask_again_at = time.monotonic() + NEWS_INTERVAL
        self._held.update({trial.number: trial for trial in found})
        self._welcome(found)

    def _welcome(self, trials: list[RunningTrial]) -> None:
        self._turn.took(len(trials))
        for trial in trials:
            slots = self._learner.slots
            trial.join(slots)
            self._desk.notify(
                TrialStarted(trial.number, trial.settings, trial.params, trial.repeats, slots)
            )
            with self._desk.account.timed("training"):
                member = self._learner.add(recipe_from(trial.settings, trial.seed))
            self._members[member] = trial

    def _epoch(self) -> None:
        began = time.perf_counter()
        outcomes = self._learner.epoch()
        seconds = time.perf_counter() - began
        epochs = [outcome for outcome in outcomes.values() if isinstance(outcome, Epoch)]
        evaluation = sum(epoch.evaluation_seconds for epoch in epochs)
        self._desk.account.epoch(seconds, evaluation, self._learner.slots, len(self._members))
        for member, outcome in outcomes.items():
            self._hear(self._members[member], outcome)
        with self._desk.account.timed("storage"):
            for member, outcome in outcomes.items():
                if isinstance(outcome, Epoch):
                    self._judge(self._members[member], outcome)
            ended = self._write(outcomes)
        for trial in ended:
            self._desk.notify(ended_event(trial))
        self._desk.account.write(self._desk.stored, older_than=WRITE_INTERVAL)

    def _hear(self, trial: RunningTrial, outcome: Epoch | Diverged) -> None:
        if isinstance(outcome, Diverged):
            # Told as pruned, not as failed: a sampler ignores failures and would come back here.
            trial.prune(f"diverged: {outcome}")
            return
        trial.spend("training", outcome.seconds)
        trial.spend("evaluation", outcome.evaluation_seconds)
        trial.report(outcome.accuracy, asdict(outcome))
        self._desk.notify(EpochDone(trial.number, _epochs(trial), outcome))

    def _judge(self, trial: RunningTrial, epoch: Epoch) -> None:
        """Whether the trial ends with this epoch."""
        more = epoch.epoch < _epochs(trial)
        if epoch.accuracy >= PERFECT:
            trial.complete(f"reached {PERFECT} in epoch {epoch.epoch}" if more else None)
        elif not more:
            trial.complete()
        elif trial.should_prune():
            trial.prune(f"behind at epoch {epoch.epoch}")

    def _write(self, members: Iterable[int]) -> list[RunningTrial]:
        """Ends the trials that have ended, and writes reports that have waited long enough."""
        ended = {m: self._members[m] for m in members if self._members[m].ending is not None}
        for member in ended:
            self._learner.remove(member)
        overdue = [trial for trial in self._members.values() if trial.overdue]
        write_all(list({t.id: t for t in (*ended.values(), *overdue)}.values()))
        for member, trial in ended.items():
            del self._members[member], self._held[trial.number]
        self._turn.ended(list(ended.values()))
        self._desk.account.trials += len(ended)
        return list(ended.values())


def ended_event(trial: RunningTrial) -> TrialEnded:
    """What is told of a trial that has ended."""
    assert trial.ending is not None
    return TrialEnded(
        trial.number,
        STATES[trial.ending.state],
        trial.best_value,
        trial.best_epoch,
        trial.ending.reason,
    )


def _epochs(trial: RunningTrial) -> int:
    """How many epochs the trial has if nothing ends it."""
    return int(trial.settings["training.epochs"])
