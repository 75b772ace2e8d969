"""What workers elsewhere do, told as if they were here: read from the storage, trial by trial.

Knows no display and no process.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from optuna.trial import FrozenTrial

from a3b_tune.storage.verbs import CLAIM
from a3b_tune.tuning import records
from a3b_tune.tuning.events import EpochDone, Event, TrialEnded, TrialStarted
from a3b_tune.tuning.measured import epoch_of, rounds_of
from a3b_tune.tuning.studies import StoredStudy


@dataclass
class Seen:
    """What was told of a trial that another worker runs."""

    claim: str
    epochs: int = 0


class Watch:
    """Tells of the trials of all workers but one's own.

    :param own: the processes of this machine whose trials are told of by themselves.
    """

    def __init__(
        self,
        stored: StoredStudy,
        notify: Callable[[Event], None],
        own: Callable[[], Collection[int]],
    ) -> None:
        self._stored = stored
        self._notify = notify
        self._own = own
        found = stored.storage.read(stored.id, [], -1)
        self._newest = max((trial._trial_id for trial in found), default=-1)
        self._open = {trial._trial_id for trial in found if not trial.state.is_finished()}
        self._seen: dict[int, Seen] = {}

    def look(self) -> None:
        """Reads what is new since the last look and tells it."""
        for trial in self._stored.storage.read(self._stored.id, self._open, self._newest):
            self._newest = max(self._newest, trial._trial_id)
            if trial.state.is_finished():
                self._open.discard(trial._trial_id)
            else:
                self._open.add(trial._trial_id)
            self._tell(trial)

    def _tell(self, trial: FrozenTrial) -> None:
        claim = str(trial.user_attrs.get(CLAIM) or "")
        seen = self._seen.get(trial._trial_id)
        if seen is not None and claim != seen.claim:
            self._returned(trial)
            seen = None
        worker = records.claimer(claim)
        here = worker is not None and worker.machine == records.machine()
        if worker is None or (here and worker.pid in self._own()):
            return
        if records.RECORD not in trial.user_attrs:
            return
        seen = seen or self._begun(trial, claim)
        self._epochs(trial, seen)
        if trial.state.is_finished():
            del self._seen[trial._trial_id]
            reason = trial.user_attrs.get(records.REASON)
            self._ended(trial, records.STATES[trial.state], reason)

    def _begun(self, trial: FrozenTrial, claim: str) -> Seen:
        record = trial.user_attrs[records.RECORD]
        self._notify(
            TrialStarted(
                trial.number,
                record["settings"],
                trial.params,
                record.get("repeats"),
                record.get(records.STACK, 1),
            )
        )
        seen = self._seen[trial._trial_id] = Seen(claim)
        return seen

    def _epochs(self, trial: FrozenTrial, seen: Seen) -> None:
        epochs = trial.user_attrs.get(records.EPOCHS, [])
        most = rounds_of(trial.user_attrs[records.RECORD]["settings"])
        for measured in epochs[seen.epochs :]:
            told = epoch_of(measured, self._stored.file.metric.name)
            self._notify(EpochDone(trial.number, most, told))
        seen.epochs = len(epochs)

    def _returned(self, trial: FrozenTrial) -> None:
        del self._seen[trial._trial_id]
        reason = str(trial.user_attrs.get(records.REASON) or "").removeprefix("put back: ")
        self._ended(trial, "put back", reason or None)

    def _ended(self, trial: FrozenTrial, state: str, reason: str | None) -> None:
        values = trial.intermediate_values
        best = self._stored.file.metric.best_epoch(values)
        value = None if best is None else values[best]
        self._notify(TrialEnded(trial.number, state, value, best, reason))
