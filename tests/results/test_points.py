"""What a run measures, as points of curves."""

import pytest

from a3b_tune.results.points import Scale, run_name
from a3b_tune.study import load
from a3b_tune.study.catalogue import find
from a3b_tune.training.learner import Epoch, Look

TOY = Scale.of(load(find("toy")))


def epoch(number, *looks, value=1.0, **scores):
    return Epoch(number, 0.5, value, 2.0, 1e-3, 3.0, 1.0, scores, looks)


def test_a_text_has_a_point_for_each_look_and_its_scores_at_the_end():
    looks = [Look(step, 1.0, 2.0, 1e-3) for step in (125, 250)]
    first, last = TOY.points(epoch(1, *looks, value=0.9, excess=0.3))
    assert (first.step, first.numbers) == (125, {"loss": 1.0, "gradient_norm": 2.0, "lr": 1e-3})
    assert last.step == TOY.step(1) == 250
    assert last.numbers["bits"] == 0.9
    assert last.numbers["excess"] == 0.3
    assert last.numbers["loss"] == 1.0


def test_steps_only_grow():
    looks = [[Look(250 * n + step, 1.0, 2.0, 1e-3) for step in (100, 250)] for n in range(3)]
    steps = [p.step for n in range(3) for p in TOY.points(epoch(n + 1, *looks[n]))]
    assert steps == sorted(set(steps))


def test_rows_have_a_point_for_each_epoch():
    scale = Scale.of(load(find("xor")))
    (point,) = scale.points(epoch(4, value=0.75))
    assert point.step == 4
    assert point.numbers["accuracy"] == 0.75
    assert point.numbers["loss"] == 0.5


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_what_is_no_number_is_on_no_curve(broken):
    points = list(TOY.points(epoch(1, Look(250, broken, 1.0, 1e-3), value=broken)))
    assert "loss" not in points[-1].numbers
    assert "bits" not in points[-1].numbers
    assert points[-1].numbers["lr"] == 1e-3


def test_trials_stand_in_order():
    names = [run_name(number) for number in (0, 9, 10, 999)]
    assert names == sorted(names)
