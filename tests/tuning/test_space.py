from math import inf

import pytest

from a3b_tune.study import override
from a3b_tune.training.shape import Shape
from a3b_tune.tuning.space import agrees, draws_within, shape_count


@pytest.mark.parametrize(
    ("changes", "shapes", "draws"),
    [
        ((), 6, inf),
        (("optimizer.lr=0.1|0.01", "training.epochs=1..5"), 6, 10),
        (("training.batch_size=16..64:step=16",), 24, inf),
        (("model.width=4", "model.pool=max", "optimizer.lr=0.1"), 1, 1),
    ],
)
def test_how_many_shapes_and_draws_a_file_allows(file, changes, shapes, draws):
    changed = override(file, changes)
    assert shape_count(changed) == shapes
    assert draws_within(changed) == draws


def test_parameters_agree_with_a_shape_unless_one_contradicts(file):
    shape = Shape.of({**file.fixed(), "model.width": 8, "model.pool": "max"})
    assert agrees(shape, {})
    assert agrees(shape, {"model.width": 8, "optimizer.lr": 0.3})
    assert not agrees(shape, {"model.width": 4})
    assert not agrees(shape, {"model.pool": "mean", "model.width": 8})
