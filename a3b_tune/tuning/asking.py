"""Which trial next: a study's waiting trials, then new ones within the budget, for one worker.

Knows nothing of how a trial is trained and nothing of what a stack is, but that its trials have one
shape.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from a3b_tune.storage.patience import answered
from a3b_tune.storage.verbs import CLAIM, POINT, Checkpoint, Release
from a3b_tune.training.shape import Shape
from a3b_tune.tuning import records
from a3b_tune.tuning.account import Account
from a3b_tune.tuning.grid import Grid
from a3b_tune.tuning.liveness import interrupted
from a3b_tune.tuning.sampling import Draw, Draws, derived_seed
from a3b_tune.tuning.space import agrees, whole_settings
from a3b_tune.tuning.studies import StoredStudy
from a3b_tune.tuning.trials import RunningTrial, put_back_all


class Queue:
    """A study's trials, for one worker to take.

    :param budget: how many trials the study may have in all.
    :param about: what a trial's record says of where it runs (device, versions, data hash, …).
    :param saved: the checkpoints of trials, by id; without it all start from their beginning.
    """

    def __init__(
        self,
        stored: StoredStudy,
        budget: int,
        about: Mapping[str, Any],
        account: Account | None = None,
        saved: Callable[[Collection[int]], Mapping[int, Checkpoint]] | None = None,
    ) -> None:
        self._stored = stored
        self._budget = budget
        self._about = about
        self._account = account or Account()
        self._saved = saved or (lambda ids: {})
        self._mark = {records.WORKER: records.this_worker().to_json()}
        self._claims: dict[str, str] = {}

    def leader(self) -> RunningTrial | None:
        """The oldest waiting trial, else a new one drawn from the whole space."""
        return next(iter(self._take(None, 1, slots=1, new=True)), None)

    def followers(
        self, shape: Shape, count: int, *, slots: int = 1, patient: bool = False
    ) -> list[RunningTrial]:
        """Trials of one shape, at most `count`: waiting ones that fit, the oldest first, then new
        ones drawn within the shape.

        A shape of which every point has been tried gets new trials only when the whole space has.

        :param slots: the size of the stack they are for.
        :param patient: nothing new while a trial of another shape waits.
        """
        return self._take(shape, count, slots=slots, new=not patient)

    def unbegun(self) -> int:
        """How many trials no worker has taken yet, as of the last look."""
        trials = self._stored.view.trials()
        waiting = sum(trial.state == TrialState.WAITING for trial in trials)
        return waiting + max(0, self._budget - len(trials))

    def others_run(self) -> int:
        """How many trials other workers run, as of the last look."""
        own = self._stored.view.claims()
        running = self._stored.view.trials(TrialState.RUNNING)
        return sum(trial._trial_id not in own for trial in running)

    def _take(
        self, shape: Shape | None, count: int, *, slots: int, new: bool
    ) -> list[RunningTrial]:
        began = time.perf_counter()
        view = self._stored.view
        view.refresh()
        waiting = view.trials(TrialState.WAITING)
        fitting = [trial for trial in waiting if self._may_be(shape, trial)]
        taken = self._claim(fitting, count)
        draws = Draws(view, self._stored.file, shape)
        if new or len(fitting) == len(waiting):
            taken += self._create(shape, count - len(taken), draws)
        view.hold(taken)
        opened = time.perf_counter()
        try:
            drawn = [self._drawn(draws, trial) for trial in taken]
            sampled = time.perf_counter()
            self._account.spend("sampling", sampled - opened)
            running = self._begin(taken, drawn, slots)
        except Exception as error:
            self._give_up(taken, f"{type(error).__name__} before it began")
            raise
        self._account.spend("storage", opened - began + time.perf_counter() - sampled)
        for trial in running:
            trial.spend("sampling", (sampled - opened) / len(running))
            trial.spend("storage", (opened - began + time.perf_counter() - sampled) / len(running))
        return self._only(shape, running)

    def _give_up(self, taken: Sequence[FrozenTrial], reason: str) -> None:
        """Trials that cannot begin: held on, they would show life for ever and never run."""
        releases = [
            Release(
                t._trial_id, str(t.user_attrs[CLAIM]), interrupted(t.user_attrs, "error", reason)
            )
            for t in taken
        ]
        for trial in taken:
            self._stored.view.forget(trial._trial_id)
        answered(self._stored.storage, lambda: self._stored.storage.release(releases))

    def _claim(self, fitting: Sequence[FrozenTrial], count: int) -> list[FrozenTrial]:
        if not fitting:
            return []
        among = [trial._trial_id for trial in fitting]
        claim = self._claim_for("waiting")
        found = self._stored.storage.claim_waiting(self._stored.id, claim, self._mark, count, among)
        del self._claims["waiting"]
        return found

    def _claim_for(self, call: str) -> str:
        """The claim of a call, the same until the call has been answered: what was done before an
        answer was lost is found again."""
        return self._claims.setdefault(
            call, records.this_worker().claim(self._stored.file.study.heartbeat)
        )

    def _create(self, shape: Shape | None, count: int, draws: Draws) -> list[FrozenTrial]:
        if shape is not None and self._grid is None and draws.left():
            count = int(min(count, draws.left_within(shape)))
        if count <= 0 or len(self._stored.view.trials()) >= self._budget:
            return []
        points = None if self._grid is None else self._grid.choice(shape)
        claim = self._claim_for("new")
        made = self._stored.storage.create_within(
            self._stored.id, self._budget, claim, self._mark, count, points
        )
        del self._claims["new"]
        return made

    def _drawn(self, draws: Draws, trial: FrozenTrial) -> Draw:
        """A trial that was put back keeps its settings; any other draws them now."""
        if trial.params or records.RECORD in trial.user_attrs:
            record = trial.user_attrs.get(records.RECORD, {})
            return Draw(dict(trial.params), {}, record.get("repeats"))
        return draws.draw(trial, self._point(trial))

    def _begin(
        self, taken: Sequence[FrozenTrial], drawn: Sequence[Draw], slots: int
    ) -> list[RunningTrial]:
        """Writes settings and records of trials just taken."""
        again = [t._trial_id for t in taken if records.INTERRUPTIONS in t.user_attrs]
        saved = self._saved(again)
        running = [
            self._running(trial, draw, slots, saved.get(trial._trial_id))
            for trial, draw in zip(taken, drawn, strict=True)
        ]
        refused = self._stored.storage.write_all(
            [trial.begun(draw.distributions) for trial, draw in zip(running, drawn, strict=True)]
        )
        for trial_id in refused:
            self._stored.view.forget(trial_id)
        return [trial for trial in running if trial.id not in refused]

    def _running(
        self, trial: FrozenTrial, drawn: Draw, slots: int, saved: Checkpoint | None
    ) -> RunningTrial:
        seed = derived_seed(self._stored.file.study.seed, trial.number, "trial")
        settings = whole_settings(self._stored.file, drawn.params)
        record = {
            "seed": seed,
            "settings": settings,
            "repeats": drawn.repeats,
            records.STACK: slots,
            **self._about,
        }
        trial.user_attrs[records.RECORD] = record
        running = RunningTrial(
            self._stored, trial, seed, settings, drawn.params, drawn.repeats, record, saved
        )
        told = list(trial.user_attrs.get(records.EPOCHS, []))
        if saved is not None and len(told) < saved.step:
            # Its reports were lost with its worker, so it has to make them again.
            running.saved = saved = None
        step = 0 if saved is None else saved.step
        for epoch in [epoch for epoch in running.values if epoch > step]:
            del running.values[epoch]
        if saved is not None:
            record[records.RESUMED] = step
            running.epochs = told[:step]
            running.seconds = dict(trial.user_attrs.get(records.SECONDS, {}))
        return running

    def _only(self, shape: Shape | None, running: list[RunningTrial]) -> list[RunningTrial]:
        """Those of the shape; others (another worker drew a waiting trial's settings since the last
        look) wait again."""
        if shape is None:
            return running
        others = [trial for trial in running if not shape.fits(trial.settings)]
        put_back_all(self._stored, others, "of another shape", "shape")
        return [trial for trial in running if trial not in others]

    def _may_be(self, shape: Shape | None, trial: FrozenTrial) -> bool:
        """Whether a waiting trial is of a shape, or can be drawn so."""
        if shape is None:
            return True
        if trial.params:
            return shape.fits(whole_settings(self._stored.file, trial.params))
        asked_for = {**self._point(trial), **trial.system_attrs.get("fixed_params", {})}
        return agrees(shape, asked_for)

    def _point(self, trial: FrozenTrial) -> Mapping[str, Any]:
        point = trial.system_attrs.get(POINT)
        return {} if point is None or self._grid is None else self._grid.points[point]

    @cached_property
    def _grid(self) -> Grid | None:
        file = self._stored.file
        return Grid(file) if file.study.sampler.name == "grid" else None


def ask(
    stored: StoredStudy, budget: int, about: Mapping[str, Any], shape: Shape | None = None
) -> RunningTrial | None:
    """The next trial of a study for this worker, of one shape or of any; None where there is none
    within the budget."""
    queue = Queue(stored, budget, about)
    if shape is None:
        return queue.leader()
    return next(iter(queue.followers(shape, 1)), None)
