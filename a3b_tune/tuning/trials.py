"""A trial's life in the storage: reported in batches, told once or put back, alone or many at once.

Knows nothing of how a trial is asked for or trained.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.storage.patience import answered
from a3b_tune.storage.verbs import CLAIM, Change, Checkpoint, Release
from a3b_tune.study import Scalar
from a3b_tune.tuning import records
from a3b_tune.tuning.keeping import keep_text, without_secrets
from a3b_tune.tuning.liveness import interrupted
from a3b_tune.tuning.pruning import should_prune
from a3b_tune.tuning.studies import StoredStudy

# Reports wait at most this long before they are written, in seconds.
FLUSH_INTERVAL = 2.0
# So old may a pruner's knowledge of what other workers run be, in seconds.
NEWS_INTERVAL = 1.0


@dataclass
class Ending:
    """How a trial ended, until it is written."""

    state: TrialState
    reason: str | None
    traceback: str | None = None


@dataclass(eq=False)
class RunningTrial:
    """A trial that this worker holds. `frozen` is it as Optuna sees it, `record` what is stored of
    how it is run, `saved` the checkpoint that it goes on from."""

    stored: StoredStudy
    frozen: FrozenTrial
    seed: int
    settings: dict[str, Scalar]
    params: dict[str, Any]
    repeats: int | None
    record: dict[str, Any]
    saved: Checkpoint | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    ending: Ending | None = None
    _unwritten: dict[int, float] = field(default_factory=dict)
    _attrs: dict[str, Any] = field(default_factory=dict)
    _notes: dict[str, str] = field(default_factory=dict)
    _after: int | None = None
    _written_at: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> int:
        return int(self.frozen._trial_id)

    @property
    def claim(self) -> str:
        """Under which it is held."""
        return str(self.frozen.user_attrs[CLAIM])

    @property
    def number(self) -> int:
        return self.frozen.number

    @property
    def values(self) -> dict[int, float]:
        """Its validation values by epoch."""
        return self.frozen.intermediate_values

    @property
    def best_epoch(self) -> int | None:
        """The first epoch with the best value."""
        return self.stored.file.metric.best_epoch(self.values)

    @property
    def best_value(self) -> float | None:
        return None if self.best_epoch is None else self.values[self.best_epoch]

    @property
    def overdue(self) -> bool:
        """Whether its reports have waited long enough."""
        return bool(self._unwritten) and time.monotonic() - self._written_at > FLUSH_INTERVAL

    @property
    def out_of_time(self) -> bool:
        """Whether it has had the time that its study gives each trial, trained and evaluated."""
        most = self.stored.file.training.max_time
        spent = self.seconds.get("training", 0.0) + self.seconds.get("evaluation", 0.0)
        return most is not None and spent >= most

    def join(self, slots: int) -> None:
        """Notes the size of the stack that it runs in."""
        if self.record.get(records.STACK) != slots:
            self.record[records.STACK] = slots
            self._attrs[records.RECORD] = self.record

    def start_over(self) -> None:
        """It does not go on from its checkpoint: what it reported will be reported again."""
        self.saved, self.epochs = None, []
        del self.record[records.RESUMED]
        self._attrs[records.RECORD] = self.record
        self.values.clear()
        self._after = 0

    def report(self, value: float, measured: Mapping[str, Any]) -> None:
        """Notes one epoch; it is written with the next batch."""
        epoch = int(measured["epoch"])
        self.values[epoch] = self._unwritten[epoch] = value
        self.epochs.append(dict(measured))

    def score(self, measured: Mapping[str, Any]) -> None:
        """More was measured of the epoch that was reported last."""
        self.epochs[-1] = dict(measured)

    def note(self, notes: Mapping[str, str]) -> None:
        """Notes its artifacts; they are written with the next batch."""
        self.frozen.system_attrs.update(notes)
        self._notes |= notes

    def should_prune(self) -> bool:
        with self.timed("storage"):
            self._hear_news()
            return should_prune(self.stored.view.study, self.frozen)

    def _hear_news(self) -> None:
        """What others have reported; of a storage that is gone, what was known before."""
        answered(self.stored.storage, lambda: self.stored.view.refresh(NEWS_INTERVAL))

    def complete(self, reason: str | None = None) -> None:
        """Ends the trial, when it is next written, with the best value of its epochs."""
        self.ending = Ending(TrialState.COMPLETE, reason)

    def prune(self, reason: str) -> None:
        self.ending = Ending(TrialState.PRUNED, reason)

    def fail(self, reason: str, traceback: str | None = None) -> None:
        self.ending = Ending(TrialState.FAIL, reason, traceback)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Adds the time spent inside to one part of the trial's account."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.spend(part, time.perf_counter() - began)

    def spend(self, part: str, seconds: float) -> None:
        self.seconds[part] = self.seconds.get(part, 0.0) + seconds

    def begun(self, new: Mapping[str, BaseDistribution]) -> Change:
        """What is first written of it: its record, and the parameters that were drawn just now."""
        attrs = {records.RECORD: self.record, records.EPOCHS: self.epochs, records.REASON: None}
        return Change(
            self.id,
            self.claim,
            params={name: self.params[name] for name in new},
            distributions=new,
            attrs=attrs,
            notes=self.stored.view.notes(self.id),
            after=self._kept(),
        )

    def _kept(self) -> int | None:
        """Up to where the reports of an earlier run are kept; None where there was none."""
        if self.saved is not None:
            return self.saved.step
        return 0 if records.INTERRUPTIONS in self.frozen.user_attrs else None

    def change(self) -> Change:
        """What is new of it since it was last written."""
        seconds = {part: round(spent, 4) for part, spent in self.seconds.items()}
        attrs = {records.EPOCHS: self.epochs, records.SECONDS: seconds, **self._attrs}
        notes = self.stored.view.notes(self.id) | self._notes
        if self.ending is None:
            return Change(
                self.id,
                self.claim,
                values=self._unwritten,
                attrs=attrs,
                notes=notes,
                after=self._after,
            )
        attrs |= {records.REASON: self.ending.reason, records.BEST_EPOCH: self.best_epoch}
        if self.ending.traceback is not None:
            attrs[records.TRACEBACK] = without_secrets(
                self.ending.traceback, self.stored.storage.url
            )
            notes |= keep_text(self.stored, "traceback.txt", self.ending.traceback)
        return Change(
            self.id,
            self.claim,
            values=self._unwritten,
            attrs=attrs,
            notes=notes,
            state=self.ending.state,
            value=self._told(),
            after=self._after,
        )

    def _told(self) -> float | None:
        """Its value for Optuna; a pruned trial's is its last, as Optuna has it."""
        assert self.ending is not None
        if self.ending.state == TrialState.COMPLETE:
            return self.best_value
        if self.ending.state == TrialState.PRUNED and self.values:
            return self.values[max(self.values)]
        return None

    def written(self, change: Change) -> None:
        """What `change` said is stored by now."""
        self._unwritten, self._attrs, self._notes, self._after = {}, {}, {}, None
        self._written_at = time.monotonic()
        if change.state is not None:
            self.stored.view.let_go(self.id, change.state, change.value)


def write_all(trials: Collection[RunningTrial]) -> list[RunningTrial]:
    """Writes what is new of these trials of one study, ends those that have ended, all in one
    transaction.

    :returns: those that this worker does not hold any more, of which nothing was written.
    """
    if not trials:
        return []
    began = time.perf_counter()
    changes = [(trial, trial.change()) for trial in trials]
    stored = changes[0][0].stored
    refused = stored.storage.write_all([change for _, change in changes])
    for trial, change in changes:
        trial.spend("storage", (time.perf_counter() - began) / len(changes))
        if trial.id not in refused:
            trial.written(change)
    lost = [trial for trial in trials if trial.id in refused]
    for trial in lost:
        stored.view.forget(trial.id)
    return lost


def put_back_all(
    stored: StoredStudy, trials: Sequence[RunningTrial], reason: str, kind: str = "stopped"
) -> None:
    """Returns this worker's trials to the queue: they will run again with their settings, from
    their last checkpoints."""
    if not trials:
        return
    releases = [
        Release(t.id, t.claim, interrupted(t.frozen.user_attrs, kind, reason)) for t in trials
    ]
    stored.storage.release(releases)
    for trial in trials:
        stored.view.forget(trial.id)
