from math import inf

import pytest

from a3b_tune.study import override
from a3b_tune.training.shape import Shape
from a3b_tune.tuning.asking import Queue
from a3b_tune.tuning.trials import write_all
from a3b_tune.tuning.turns import LOSSES, Turn, turn_length
from tests.tuning.conftest import begin

WIDE = {"model.width": 8, "model.pool": "max"}
NARROW = {"model.width": 4, "model.pool": "max"}


@pytest.mark.parametrize(
    ("changes", "trials", "length"),
    [
        ((), 60, 10),  # 2 widths × 3 pools
        ((), 61, 11),
        ((), 5, 4),
        (("model.width=2..99",), 120, 10),
        (("model.width=4",), 60, 20),
        (("model.width=4", "model.pool=max"), 60, inf),
        (("optimizer.lr=0.1|0.01", "study.sampler=grid"), 60, inf),
    ],
)
def test_a_turn_is_short_enough_for_many_shapes(file, changes, trials, length):
    assert turn_length(override(file, changes), trials) == length


def ended(stored, params, values):
    """Trials of a shape that completed with these values, or were pruned where there is none."""
    shape = Shape.of({**stored.file.fixed(), **params})
    trials = Queue(stored, 999, {}).followers(shape, len(values))
    for trial, value in zip(trials, values, strict=True):
        trial.report(value or 0.0, {"epoch": 1})
        if value is None:
            trial.prune("behind")
        else:
            trial.complete()
    write_all(trials)
    return shape, trials


def turn_after(stored, params, values, slots=1):
    shape, trials = ended(stored, params, values)
    turn = Turn(stored.view, shape, 99, slots)
    turn.ended(trials)
    return turn


def test_a_shape_that_keeps_losing_is_left(stored):
    ended(stored, WIDE, [0.7, 0.8, 0.9])
    assert turn_after(stored, NARROW, [0.6] * LOSSES).left == 0
    assert turn_after(stored, NARROW, [None] * LOSSES).left == 0


def test_a_shape_that_holds_its_own_once_is_kept(stored):
    ended(stored, WIDE, [0.7, 0.8, 0.9])
    assert turn_after(stored, NARROW, [None] * (LOSSES - 1)).left == 99
    assert turn_after(stored, NARROW, [None] * (LOSSES - 1) + [0.8]).left == 99
    assert turn_after(stored, NARROW, [0.8] + [0.6] * LOSSES).left == 0


def test_a_large_stack_loses_more_before_it_is_left(stored):
    ended(stored, WIDE, [0.9])
    assert turn_after(stored, NARROW, [0.6] * 11, slots=12).left == 99
    assert turn_after(stored, NARROW, [0.6] * 12, slots=12).left == 0


def test_where_no_other_shape_has_ended_there_is_nothing_to_lose_against(stored):
    assert turn_after(stored, WIDE, [None] * 30).left == 99


def test_what_was_taken_is_no_longer_left(url, file, xor):
    stored = begin(url, file, xor)
    turn = Turn(stored.view, Shape.of({**file.fixed(), **WIDE}), 9, 4)
    turn.took(4)
    turn.took(2)
    assert turn.left == 3
