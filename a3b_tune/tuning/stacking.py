"""One stack's life: filled with trials of one shape, trained an epoch at a time, refilled as trials
end, until it is empty.

Knows nothing of how members are trained, nor of what to do when that fails.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from a3b_tune.storage.patience import answered
from a3b_tune.training import Diverged, Epoch, Learner, Stopped, recipe_from
from a3b_tune.training.shape import Shape
from a3b_tune.training.snapshot import BadSnapshot
from a3b_tune.tuning.account import WRITE_INTERVAL
from a3b_tune.tuning.desk import Desk, ended_event
from a3b_tune.tuning.events import (
    EpochDone,
    TrialEnded,
    TrialStarted,
    Warned,
)
from a3b_tune.tuning.measured import epoch_record, rounds_of
from a3b_tune.tuning.stopping import HURRY
from a3b_tune.tuning.trials import NEWS_INTERVAL, RunningTrial, write_all
from a3b_tune.tuning.turns import Turn

MAX_TIME = "max time"
TAKEN_FOR_DEAD = "another worker has it: this one was not heard of for too long"


# Seconds between two tries to write while the storage is gone and there is still work.
TRY_AGAIN = 2.0


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
        # Trials that have ended and are not written yet.
        self._ended: list[RunningTrial] = []
        self._ask_again_at = self._write_again_at = float("-inf")
        # Copies of the members from before an epoch that is long; while one runs there is no other.
        self._copies: dict[int, bytes] = {}
        self._in_epoch = False
        self._epoch_seconds = 0.0

    def live(self) -> None:
        """Trains the trials it holds, and those that take their places, to their ends.

        :raises Stopped: it is time to stop; those that go on elsewhere have their checkpoints.
        """
        try:
            self._welcome(list(self._held.values()))
            self._fill(patient=False)
            while self._members or self._ended:
                if self._desk.reached():
                    raise Stopped
                self._epoch()
                self._fill(patient=True)
        except Stopped:
            self._leave()
            raise

    def _fill(self, *, patient: bool) -> None:
        """Takes trials for the free slots. Where there were too few, asks again a little later:
        another worker may have put some back."""
        count = int(min(self._learner.room, self._turn.left))
        if count < 1 or time.monotonic() < self._ask_again_at:
            return
        if self._members and not self._answers():
            self._ask_again_at = time.monotonic() + TRY_AGAIN
            return
        found = self._desk.queue.followers(
            self._shape, count, slots=self._learner.slots, patient=patient
        )
        if len(found) < count:
            self._ask_again_at = time.monotonic() + NEWS_INTERVAL
        self._held.update({trial.number: trial for trial in found})
        self._welcome(found)

    def _answers(self) -> bool:
        """Whether the storage answers: while it does not, there is other work."""
        return self._at_once(self._desk.stored.view.refresh)

    def _at_once(self, call: Callable[[], object]) -> bool:
        return answered(self._desk.stored.storage, call)

    def _welcome(self, trials: list[RunningTrial]) -> None:
        self._turn.took(len(trials))
        for trial in trials:
            slots = self._learner.slots
            trial.join(slots)
            curve = tuple(trial.values.values())
            self._desk.notify(
                TrialStarted(
                    trial.number, trial.settings, trial.params, trial.repeats, slots, curve
                )
            )
            with self._desk.account.timed("training"):
                self._members[self._add(trial)] = trial

    def _add(self, trial: RunningTrial) -> int:
        """Puts a trial into a slot, with what it had learned if that can be read."""
        recipe = recipe_from(trial.settings, trial.seed)
        if trial.saved is not None:
            try:
                return self._learner.add(recipe, trial.saved.data)
            except BadSnapshot as error:
                self._desk.notify(Warned(f"trial {trial.number} starts over: {error}"))
                trial.start_over()
        return self._learner.add(recipe)

    def _epoch(self) -> None:
        outcomes = self._train() if self._members else {}
        late = [member for member, outcome in outcomes.items() if self._hear(member, outcome)]
        for member in late:
            self._finish(member, outcomes[member])
        with self._desk.account.timed("storage"):
            for member, outcome in outcomes.items():
                if isinstance(outcome, Epoch):
                    self._judge(self._members[member], outcome)
            self._show(outcomes)
            ended = self._write()
        for trial in ended:
            self._desk.notify(ended_event(trial))
        self._desk.hear()
        self._at_once(lambda: self._desk.account.write(self._desk.stored, WRITE_INTERVAL))

    def _train(self) -> Mapping[int, Epoch | Diverged]:
        """One epoch of all members."""
        # The last evaluation on text takes longer than those before it.
        if self._epoch_seconds > HURRY or self._desk.stored.file.is_text:
            self._copies = {member: self._learner.save(member) for member in self._members}
        self._in_epoch = True
        began = time.perf_counter()
        outcomes = self._learner.epoch()
        seconds = self._epoch_seconds = time.perf_counter() - began
        self._in_epoch = False
        self._copies = {}
        epochs = [outcome for outcome in outcomes.values() if isinstance(outcome, Epoch)]
        evaluation = sum(epoch.evaluation_seconds for epoch in epochs)
        self._desk.account.epoch(seconds, evaluation, self._learner.slots, len(self._members))
        return outcomes

    def _hear(self, member: int, outcome: Epoch | Diverged) -> bool:
        """Notes what an epoch came to; whether time has made it the trial's last, though none of
        those that a learner knows to be the last."""
        trial = self._members[member]
        if isinstance(outcome, Diverged):
            # Told as pruned, not as failed: a sampler ignores failures and would come back here.
            trial.prune(f"diverged: {outcome}")
            return False
        trial.spend("training", outcome.seconds)
        trial.spend("evaluation", outcome.evaluation_seconds)
        trial.report(outcome.value, epoch_record(outcome, trial.stored.file.metric.name))
        rounds = rounds_of(trial.settings)
        if outcome.epoch < rounds and trial.out_of_time:
            return True
        self._desk.notify(EpochDone(trial.number, rounds, outcome))
        return False

    def _finish(self, member: int, outcome: Epoch | Diverged) -> None:
        """Adds the scores of a last epoch. After all have been heard: it may take long, and where
        it is stopped each member has reported what it has learned."""
        assert isinstance(outcome, Epoch)
        trial = self._members[member]
        with self._desk.account.timed("evaluation"), trial.timed("evaluation"):
            outcome = replace(outcome, scores={**outcome.scores, **self._learner.final(member)})
        trial.score(epoch_record(outcome, trial.stored.file.metric.name))
        self._desk.notify(EpochDone(trial.number, rounds_of(trial.settings), outcome))

    def _judge(self, trial: RunningTrial, epoch: Epoch) -> None:
        """Whether the trial ends with this epoch."""
        more = epoch.epoch < rounds_of(trial.settings)
        perfect = trial.stored.file.metric.perfect
        if perfect is not None and epoch.value >= perfect:
            trial.complete(f"reached {perfect} in epoch {epoch.epoch}" if more else None)
        elif not more:
            trial.complete()
        elif trial.out_of_time:
            trial.complete(MAX_TIME)
        elif trial.should_prune():
            trial.prune(f"behind at {_place(trial, epoch)}")

    def _show(self, members: Iterable[int]) -> None:
        """Keeps what a person may look at of trials on text that were just evaluated."""
        for member in members if self._desk.stored.file.is_text else ():
            trial = self._members[member]
            self._desk.artifacts.evaluated(trial)
            if trial.ending is not None and self._desk.artifacts.is_best(trial):
                self._desk.artifacts.keep_model(trial, self._learner.model_bytes(member))

    def _write(self) -> list[RunningTrial]:
        """Ends the trials that have ended, writes reports that have waited long enough, and takes
        the checkpoints that are due; the trials that have ended, once they are written.

        While the storage is gone and members are left, all this waits and they go on.
        """
        self._part()
        if time.monotonic() < self._write_again_at and self._members:
            return []
        going = list(self._members.values())
        due = self._desk.checkpoints.due(going)
        batch = [*self._ended, *(trial for trial in going if trial.overdue or trial in due)]
        refused: list[RunningTrial] = []

        def write() -> None:
            refused.extend(write_all(batch))

        if not self._members:
            write()
        elif not self._at_once(write):
            self._write_again_at = time.monotonic() + TRY_AGAIN
            return []
        self._drop(refused)
        self._keep({m: t for m, t in self._members.items() if t in due})
        return self._written()

    def _part(self) -> None:
        """Takes out of their slots those members that have ended or that others hold by now."""
        for member, trial in list(self._members.items()):
            if trial.ending is not None:
                self._learner.remove(member)
                self._ended.append(self._members.pop(member))
        others = self._desk.heart.refused
        self._drop([t for t in self._members.values() if (t.id, t.claim) in others])

    def _written(self) -> list[RunningTrial]:
        """The trials that have ended are off the hands of this worker."""
        ended, self._ended = self._ended, []
        for trial in ended:
            del self._held[trial.number]
        self._turn.ended(ended)
        self._desk.checkpoints.forget(ended)
        self._desk.account.trials += len(ended)
        return ended

    def _drop(self, refused: Collection[RunningTrial]) -> None:
        """Another worker runs these trials: this one was taken for dead."""
        if not refused:
            return
        self._ended = [trial for trial in self._ended if trial not in refused]
        for member, trial in list(self._members.items()):
            if trial in refused:
                self._learner.remove(member)
                del self._members[member]
        for trial in refused:
            self._desk.stored.view.forget(trial.id)
            self._desk.checkpoints.forget([trial])
            del self._held[trial.number]
            self._desk.notify(
                TrialEnded(
                    trial.number, "put back", trial.best_value, trial.best_epoch, TAKEN_FOR_DEAD
                )
            )

    def _keep(self, members: Mapping[int, RunningTrial]) -> None:
        """Takes checkpoints between two epochs; from copies where an epoch was cut."""
        saved = []
        for member, trial in members.items():
            epoch = max(trial.values, default=0)
            if not epoch:
                continue
            if self._in_epoch and member not in self._copies:
                continue
            data = self._copies[member] if self._in_epoch else self._learner.save(member)
            saved.append((trial, epoch, data))
        with self._desk.account.timed("storage"):
            self._desk.checkpoints.keep(saved)

    def _leave(self) -> None:
        """Before it is stopped: what is done is written, what is not will go on from here."""
        self._drop(write_all([*self._ended, *self._members.values()]))
        for trial in self._written():
            self._desk.notify(ended_event(trial))
        self._keep(self._members)


def _place(trial: RunningTrial, epoch: Epoch) -> str:
    """Where a trial is, as it is counted: in epochs of rows, in steps on text."""
    every = trial.settings.get("training.evaluate_every")
    return f"epoch {epoch.epoch}" if every is None else f"step {epoch.epoch * int(every)}"
