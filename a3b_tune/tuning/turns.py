"""How long a shape keeps a worker's stack: so long that the stack is worth its opening, and not so
long that a study sees few shapes or stays with a bad one.

Knows neither learners nor how trials are stored.
"""

from collections import deque
from math import ceil, inf
from statistics import median

from optuna.trial import TrialState

from a3b_tune.study import StudyFile
from a3b_tune.training.shape import Shape
from a3b_tune.tuning.space import agrees, shape_count
from a3b_tune.tuning.trials import RunningTrial
from a3b_tune.tuning.view import View

# A study of many shapes gives at least so many of them a turn.
SHAPES = 12
LEAST_TURN = 4
# A shape is left after so many losses in a row, or after one for each slot where those are more.
LOSSES = 8


def turn_length(file: StudyFile, trials: int) -> float:
    """The most trials that one stack takes in a study of so many. All of them where there is one
    shape, or where a grid says how many each shape gets."""
    shapes = shape_count(file)
    if shapes <= 1 or file.study.sampler.name == "grid":
        return inf
    return float(max(LEAST_TURN, ceil(trials / min(shapes, SHAPES))))


class Turn:
    """One stack's turn: how many trials it may still take.

    A trial is a loss if it was pruned, diverged or failed, or if it is not as good as half of the
    completed trials of other shapes. When the stack's last `max(8, slots)` trials all were losses,
    its shape is left; where no other shape has a completed trial there are no losses.
    """

    def __init__(self, view: View, shape: Shape, length: float, slots: int) -> None:
        self._view = view
        self._shape = shape
        self._left = length
        self._losses: deque[bool] = deque(maxlen=max(LOSSES, slots))

    @property
    def left(self) -> float:
        """How many trials the stack may still take."""
        lost = len(self._losses) == self._losses.maxlen and all(self._losses)
        return 0.0 if lost else self._left

    def took(self, count: int) -> None:
        """The stack has taken so many trials."""
        self._left -= count

    def ended(self, trials: list[RunningTrial]) -> None:
        """Trials of the stack have ended."""
        if not trials:
            return
        elsewhere = [
            trial.value
            for trial in self._view.trials(TrialState.COMPLETE)
            if trial.value is not None and not agrees(self._shape, trial.params)
        ]
        for trial in trials:
            self._losses.append(bool(elsewhere) and not _held_its_own(trial, median(elsewhere)))


def _held_its_own(trial: RunningTrial, standard: float) -> bool:
    complete = trial.ending is not None and trial.ending.state == TrialState.COMPLETE
    if not complete or trial.best_value is None:
        return False
    return not trial.stored.file.metric.better(standard, trial.best_value)
