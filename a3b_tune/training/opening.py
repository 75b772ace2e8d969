"""Which learner trains a shape. Knows no Optuna."""

from collections.abc import Callable

from a3b_tune.training.learner import Learner
from a3b_tune.training.plain import Alone
from a3b_tune.training.prepared import Prepared
from a3b_tune.training.shape import Shape
from a3b_tune.training.stacked import StackedLearner


def open_learner(
    shape: Shape,
    prepared: Prepared,
    slots: int,
    should_stop: Callable[[], bool],
    epochs_ahead: int,
) -> Learner:
    """The plain learner for one slot, the stacked one for more.

    :param epochs_ahead: how many epochs of the stack are expected: whether compiling pays.
    """
    if slots == 1:
        return Alone(prepared, should_stop)
    return StackedLearner(shape, prepared, slots, should_stop, epochs_ahead)
