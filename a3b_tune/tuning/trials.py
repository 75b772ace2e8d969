"""One trial's life in the storage: asked for, reported in batches, told once or put back.

Knows nothing of how a trial is trained.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from a3b_tune.study import Scalar
from a3b_tune.tuning import records
from a3b_tune.tuning.pruning import should_prune
from a3b_tune.tuning.sampling import Draw, derived_seed, draw, whole_settings
from a3b_tune.tuning.studies import StoredStudy

# Reports wait at most this long before they are written, in seconds.
FLUSH_INTERVAL = 2.0


@dataclass
class RunningTrial:
    """A trial that this worker runs. `values` are its validation values by epoch."""

    stored: StoredStudy
    id: int
    number: int
    seed: int
    settings: dict[str, Scalar]
    params: dict[str, Any]
    repeats: int | None
    values: dict[int, float] = field(default_factory=dict)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _unwritten: dict[int, float] = field(default_factory=dict)
    _written_at: float = field(default_factory=time.monotonic)

    @property
    def best_epoch(self) -> int | None:
        """The first epoch with the best value."""
        return max(self.values, key=lambda epoch: (self.values[epoch], -epoch), default=None)

    @property
    def best_value(self) -> float | None:
        return None if self.best_epoch is None else self.values[self.best_epoch]

    def report(self, value: float, measured: Mapping[str, Any]) -> None:
        """Notes one epoch; it is written with the next batch."""
        epoch = int(measured["epoch"])
        self.values[epoch] = self._unwritten[epoch] = value
        self.epochs.append(dict(measured))
        if time.monotonic() - self._written_at > FLUSH_INTERVAL:
            self._write({})

    def should_prune(self) -> bool:
        with self.timed("storage"):
            return should_prune(self.stored.study, self.id, self.values)

    def complete(self, reason: str | None) -> None:
        """Ends the trial with the best value of its epochs."""
        self._end(TrialState.COMPLETE, reason)

    def prune(self, reason: str) -> None:
        self._end(TrialState.PRUNED, reason)

    def fail(self, reason: str, traceback: str | None = None) -> None:
        self._end(TrialState.FAIL, reason, {records.TRACEBACK: traceback} if traceback else {})

    def put_back(self, reason: str) -> None:
        """Returns the trial to the queue: it will run again from its beginning, settings kept."""
        put_back(self.stored, self.id, records.this_worker().to_json(), reason)

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

    def _end(
        self, state: TrialState, reason: str | None, more: Mapping[str, Any] | None = None
    ) -> None:
        self._write({records.REASON: reason, records.BEST_EPOCH: self.best_epoch, **(more or {})})
        value = self.best_value if state == TrialState.COMPLETE else None
        self.stored.study.tell(self.number, value, state)

    def _write(self, attrs: Mapping[str, Any]) -> None:
        with self.timed("storage"):
            seconds = {part: round(spent, 4) for part, spent in self.seconds.items()}
            self.stored.storage.write(
                self.id,
                values=self._unwritten,
                attrs={records.EPOCHS: self.epochs, records.SECONDS: seconds, **attrs},
            )
        self._unwritten = {}
        self._written_at = time.monotonic()


def ask(stored: StoredStudy, budget: int, about: Mapping[str, Any]) -> RunningTrial | None:
    """The next trial of a study for this worker: a waiting one first, else a new one, as long as
    the study has fewer than `budget`.

    :param about: what the trial's record says of where it runs (device, versions, data hash, …).
    """
    began = time.perf_counter()
    mark = {records.WORKER: records.this_worker().to_json()}
    trial = stored.storage.claim_waiting(stored.id, mark)
    if trial is None:
        trial = stored.storage.create_within(stored.id, budget, mark)
    if trial is None:
        return None
    opened = time.perf_counter()
    drawn = _drawn(stored, trial)
    sampled = time.perf_counter()
    running = _prepare(stored, trial, drawn)
    _record(running, {} if trial.params else drawn.distributions, about)
    running.spend("sampling", sampled - opened)
    running.spend("storage", opened - began + time.perf_counter() - sampled)
    return running


def _drawn(stored: StoredStudy, trial: FrozenTrial) -> Draw:
    """A trial that was put back keeps its settings; any other draws them now."""
    if not trial.params:
        return draw(stored.study, stored.file, trial)
    record = trial.user_attrs.get(records.RECORD, {})
    return Draw(dict(trial.params), dict(trial.distributions), record.get("repeats"))


def _prepare(stored: StoredStudy, trial: FrozenTrial, drawn: Draw) -> RunningTrial:
    return RunningTrial(
        stored=stored,
        id=trial._trial_id,
        number=trial.number,
        seed=derived_seed(stored.file.study.seed, trial.number, "trial"),
        settings=whole_settings(stored.file, drawn.params),
        params=drawn.params,
        repeats=drawn.repeats,
    )


def _record(running: RunningTrial, new: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    record = {
        "seed": running.seed,
        "settings": running.settings,
        "repeats": running.repeats,
        **about,
    }
    running.stored.storage.write(
        running.id,
        params={name: running.params[name] for name in new},
        distributions=dict(new),
        attrs={records.RECORD: record, records.EPOCHS: [], records.REASON: None},
    )


def put_back(stored: StoredStudy, trial_id: int, worker: Mapping[str, Any], reason: str) -> bool:
    """Returns a worker's running trial to the queue; what it had measured goes with its reports.

    :returns: False where the worker does not hold it any more.
    """
    attrs = {records.REASON: f"put back: {reason}", records.EPOCHS: []}
    return stored.storage.put_back(trial_id, attrs, (records.WORKER, dict(worker)))


def put_back_lost(stored: StoredStudy) -> list[int]:
    """Returns to the queue the trials of workers of this machine that have died.

    :returns: their numbers.
    """
    lost = []
    for trial in stored.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        worker = trial.user_attrs.get(records.WORKER)
        if worker is not None and records.is_dead(worker):
            reason = f"worker {worker['pid']} on {worker['host']} died"
            if put_back(stored, trial._trial_id, worker, reason):
                lost.append(trial.number)
    return lost
