"""Which trial next: a study's waiting trials, then new ones within the budget, for one worker.

Knows nothing of how a trial is trained and nothing of what a stack is, but that its trials have one
shape.
"""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from a3b_tune.training.shape import Shape
from a3b_tune.tuning import records
from a3b_tune.tuning.account import Account
from a3b_tune.tuning.grid import Grid
from a3b_tune.tuning.sampling import Draw, Draws, derived_seed
from a3b_tune.tuning.space import agrees, whole_settings
from a3b_tune.storage.database import POINT
from a3b_tune.tuning.studies import StoredStudy
from a3b_tune.tuning.trials import RunningTrial, put_back_all


class Queue:
    """A study's trials, for one worker to take.

    :param budget: how many trials the study may have in all.
    :param about: what a trial's record says of where it runs (device, versions, data hash, …).
    """

    def __init__(
        self,
        stored: StoredStudy,
        budget: int,
        about: Mapping[str, Any],
        account: Account | None = None,
    ) -> None:
        self._stored = stored
        self._budget = budget
        self._about = about
        self._account = account or Account()
        self._mark = {records.WORKER: records.this_worker().to_json()}

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
        drawn = [self._drawn(draws, trial) for trial in taken]
        sampled = time.perf_counter()
        self._account.spend("sampling", sampled - opened)
        running = self._begin(taken, drawn, slots)
        self._account.spend("storage", opened - began + time.perf_counter() - sampled)
        for trial in running:
            trial.spend("sampling", (sampled - opened) / len(running))
            trial.spend("storage", (opened - began + time.perf_counter() - sampled) / len(running))
        return self._only(shape, running)

    def _claim(self, fitting: Sequence[FrozenTrial], count: int) -> list[FrozenTrial]:
        if not fitting:
            return []
        among = [trial._trial_id for trial in fitting]
        return self._stored.storage.claim_waiting(self._stored.id, self._mark, count, among)

    def _create(self, shape: Shape | None, count: int, draws: Draws) -> list[FrozenTrial]:
        if shape is not None and self._grid is None and draws.left():
            count = int(min(count, draws.left_within(shape)))
        if count <= 0 or len(self._stored.view.trials()) >= self._budget:
            return []
        points = None if self._grid is None else self._grid.choice(shape)
        return self._stored.storage.create_within(
            self._stored.id, self._budget, self._mark, count, points
        )

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
        pairs = zip(taken, drawn, strict=True)
        running = [self._running(trial, draw, slots) for trial, draw in pairs]
        self._stored.storage.write_all(
            [trial.begun(draw.distributions) for trial, draw in zip(running, drawn, strict=True)]
        )
        return running

    def _running(self, trial: FrozenTrial, drawn: Draw, slots: int) -> RunningTrial:
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
        return RunningTrial(
            self._stored, trial, seed, settings, drawn.params, drawn.repeats, record
        )

    def _only(self, shape: Shape | None, running: list[RunningTrial]) -> list[RunningTrial]:
        """Those of the shape; others (another worker drew a waiting trial's settings since the last
        look) wait again."""
        if shape is None:
            return running
        others = [trial for trial in running if not shape.fits(trial.settings)]
        put_back_all(self._stored, others, "of another shape")
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
