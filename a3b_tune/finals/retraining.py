"""Runs trained again, those of one shape as a stack: each for its full length, nothing pruned.

A run's value is the best of its epochs, and it ends where nothing is left to learn, as in the
search. Knows neither who wins nor where values are kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log2
from pathlib import Path

import torch

from a3b_tune.errors import InputError
from a3b_tune.finals.contest import Outcome, Task
from a3b_tune.study import Metric
from a3b_tune.study.data_section import DataSection
from a3b_tune.training import Diverged, Learner, Prepared, Stopped, recipe_from
from a3b_tune.training.device import describe_device
from a3b_tune.training.learner import out_of_memory
from a3b_tune.training.opening import open_learner
from a3b_tune.training.prepared import load_dataset
from a3b_tune.training.shape import Shape
from a3b_tune.training.stack_size import StackSizes


@dataclass(frozen=True)
class Ground:
    """What a study is trained on and judged by; `hash` is that of the data it began with."""

    data: DataSection
    hash: str
    metric: Metric


@dataclass(frozen=True)
class Moved:
    """So many epochs more were trained, or were found to be needless."""

    epochs: int


@dataclass(frozen=True)
class Ended:
    """Runs that have ended together, in a stack of so many `slots` on a `device`."""

    outcomes: tuple[Outcome, ...]
    slots: int
    device: str


@dataclass
class _Run:
    task: Task
    values: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0


class Retraining:
    """Trains tasks in this process; each data set is loaded once."""

    def __init__(
        self,
        grounds: Mapping[str, Ground],
        device: torch.device,
        should_stop: Callable[[], bool],
        *,
        data_dir: Path | None = None,
        precision: str = "auto",
    ) -> None:
        self._grounds = grounds
        self._device = device
        self._should_stop = should_stop
        self._data_dir = data_dir
        self._precision = precision
        self._loaded: list[tuple[DataSection, Prepared, StackSizes]] = []
        self._largest: dict[Shape, int] = {}

    def __call__(self, tasks: Sequence[Task]) -> Iterator[Moved | Ended]:
        """Trains tasks of one study and shape, telling what becomes of them.

        :raises Stopped: `should_stop` said so; what has ended was told.
        :raises InputError: the data is not the study's.
        """
        prepared, sizes = self._prepared(tasks[0].who.study)
        left = list(tasks)
        while left:
            slots = self._slots(left, sizes)
            try:
                for told in self._stack(left[: len(left) if slots > 1 else 1], prepared, slots):
                    if isinstance(told, Ended):
                        done = {(each.trial, each.seed) for each in told.outcomes}
                        left = [task for task in left if (task.who.trial, task.seed) not in done]
                    yield told
            except (Stopped, OSError):
                raise
            except Exception as error:  # noqa: BLE001 (whatever a model does, others go on)
                if slots == 1:
                    yield self._failed(left.pop(0), prepared, error)
                else:
                    self._smaller(left[0].shape, slots, error, sizes)

    def _prepared(self, study: str) -> tuple[Prepared, StackSizes]:
        ground = self._grounds[study]
        for section, prepared, sizes in self._loaded:
            if section == ground.data:
                return prepared, sizes
        dataset = load_dataset(ground.data, self._data_dir)
        if dataset.data_hash != ground.hash:
            raise InputError(f"study {study!r} began with other data (see --data-dir)")
        prepared = Prepared(dataset, self._device, self._precision)
        self._loaded.append((ground.data, prepared, StackSizes(prepared)))
        return self._loaded[-1][1:]

    def _slots(self, tasks: Sequence[Task], sizes: StackSizes) -> int:
        """The slots of the stack for all tasks: if they do not fit in at once, as few as let the
        same number of stacks' lives do."""
        task, count = tasks[0], len(tasks)
        most = min(count, self._largest.get(task.shape, count))
        # Measured for the shape as the search knows it: there the answer may be there already.
        size = sizes.size(Shape.of(task.who.settings), most)
        return ceil(count / ceil(count / size))

    def _smaller(self, shape: Shape, slots: int, error: Exception, sizes: StackSizes) -> None:
        """After an error in a stack: half of it where memory ran out, else one by one, where the
        guilty run fails alone."""
        half = sizes.too_large(shape, slots) if out_of_memory(error) else 1
        self._largest[shape] = max(1, min(half, slots - 1))

    def _stack(
        self, tasks: Sequence[Task], prepared: Prepared, slots: int
    ) -> Iterator[Moved | Ended]:
        ahead = ceil(len(tasks) / slots) * max(task.who.rounds for task in tasks)
        learner = open_learner(tasks[0].shape, prepared, slots, self._should_stop, ahead)
        waiting, running = list(tasks), dict[int, _Run]()
        while waiting or running:
            while waiting and learner.room:
                task = waiting.pop(0)
                running[learner.add(recipe_from(task.bare, task.seed))] = _Run(task)
            ended, moved = self._epoch(learner, running, prepared)
            yield Moved(moved)
            if ended:
                yield Ended(tuple(ended), slots, describe_device(self._device))

    def _epoch(
        self, learner: Learner, running: dict[int, _Run], prepared: Prepared
    ) -> tuple[list[Outcome], int]:
        """One epoch of all: the runs that end with it, and by how many epochs all came closer to
        their end."""
        ended, moved = [], 0
        for member, epoch in learner.epoch().items():
            run = running[member]
            moved += 1
            if isinstance(epoch, Diverged):
                ended.append(self._lost(run, prepared, f"diverged: {epoch}"))
            else:
                run.values[epoch.epoch] = epoch.value
                run.seconds += epoch.seconds + epoch.evaluation_seconds
                left = run.task.who.rounds - epoch.epoch
                if left > 0 and not self._perfect(run, epoch.value):
                    continue
                moved += left
                ended.append(self._outcome(run))
            learner.remove(member)
            del running[member]
        return ended, moved

    def _perfect(self, run: _Run, value: float) -> bool:
        perfect = self._grounds[run.task.who.study].metric.perfect
        return perfect is not None and value >= perfect

    def _outcome(self, run: _Run) -> Outcome:
        who, metric = run.task.who, self._grounds[run.task.who.study].metric
        best = metric.best_epoch(run.values)
        assert best is not None
        return Outcome(
            who.study,
            who.trial,
            run.task.seed,
            run.values[best],
            run.values[max(run.values)],
            best,
            round(run.seconds, 3),
        )

    def _failed(self, task: Task, prepared: Prepared, error: Exception) -> Ended:
        first_line = str(error).partition("\n")[0]
        told = "out of memory" if out_of_memory(error) else f"{type(error).__name__}: {first_line}"
        lost = self._lost(_Run(task), prepared, told)
        return Ended((lost,), 1, describe_device(self._device))

    def _lost(self, run: _Run, prepared: Prepared, fault: str) -> Outcome:
        """A run without a value has the worst one: of bits, what guessing costs."""
        task = run.task
        worst = self._grounds[task.who.study].metric.worst
        value = log2(prepared.classes) if worst is None else worst
        return Outcome(
            task.who.study, task.who.trial, task.seed, value, value, None, run.seconds, fault
        )
