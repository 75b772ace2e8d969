from collections import Counter
from itertools import groupby

from a3b_tune.study import loads
from a3b_tune.training.shape import Shape
from a3b_tune.tuning.grid import Grid
from a3b_tune.tuning.space import whole_settings

FILE = """
[study]
name = "grid"
sampler = "grid"
seed = 3
[data]
name = "xor"
[model]
name = { choices = ["baseline", "full_attention"] }
heads = { choices = [1, 2] }
pool = { choices = ["max", "mean"] }
[optimizer]
lr = { low = 0.1, high = 0.4, step = 0.1 }
"""


def grid():
    file = loads(FILE, "grid.toml")
    return file, Grid(file)


def test_each_draw_is_one_point_and_has_only_what_its_model_takes():
    _, found = grid()
    # 2 pools × 4 rates for the baseline, and 2 heads × 2 pools × 4 rates.
    assert len(found.points) == 8 + 16
    assert len({tuple(sorted(point.items())) for point in found.points}) == 24
    assert all(("model.heads" in p) == (p["model.name"] == "full_attention") for p in found.points)


def test_points_of_one_shape_follow_each_other_and_the_order_is_the_seeds():
    file, found = grid()
    shapes = [Shape.of(whole_settings(file, point)) for point in found.points]
    assert len([key for key, _ in groupby(shapes)]) == len(set(shapes)) == 6
    assert Grid(file).points == found.points
    other = loads(FILE.replace("seed = 3", "seed = 4"), "grid.toml")
    assert Grid(other).points != found.points


def test_no_point_is_chosen_twice_before_all_were_chosen_once():
    _, found = grid()
    taken = []
    for count in (1, 5, 30, 2, 10):
        taken += found.choice(None).choose(taken, count)
    uses = Counter(taken)
    assert len(taken) == 48
    assert set(uses.values()) == {2}


def test_a_shape_gets_its_own_points_and_waits_for_the_others_then():
    file, found = grid()
    shape = Shape.of(whole_settings(file, found.points[0]))
    choose = found.choice(shape).choose
    assert choose([], 9) == [0, 1, 2, 3]
    assert choose([0, 2], 9) == [1, 3]
    assert choose([0, 1, 2, 3], 9) == []
    assert choose(list(range(24)), 9) == [0, 1, 2, 3]
