"""The points of a grid search, each tried as often as the others.

Optuna's grid sampler guesses which points are free, so two workers may take the same one; here a
trial gets its point in the transaction that creates it. Knows no storage.
"""

import random
from collections.abc import Sequence
from itertools import product

from a3b_tune.storage.verbs import Points
from a3b_tune.study import Choices, Range, Scalar, StudyFile
from a3b_tune.training.shape import MEMBER_SETTINGS, Shape
from a3b_tune.tuning.space import agrees, applies

Point = dict[str, Scalar]


class Grid:
    """Every draw of a study file whose settings are finite, in the order in which trials get them:
    by shape, so that those of one stack follow each other, otherwise shuffled by the study's seed.
    """

    def __init__(self, file: StudyFile) -> None:
        self.points = _points(file)

    def choice(self, shape: Shape | None) -> Points:
        """The points that new trials may get: any, or those of one shape alone."""
        indices = range(len(self.points))
        if shape is None:
            return Points(len(indices), tuple(indices))
        return Points(len(indices), tuple(k for k in indices if agrees(shape, self.points[k])))


def _points(file: StudyFile) -> list[Point]:
    """Each draw once: what a kind of model does not take is no part of its points."""
    searched = file.searched()
    shapes: dict[tuple[tuple[str, Scalar], ...], dict[tuple[tuple[str, Scalar], ...], Point]] = {}
    for values in product(*(_values(setting) for setting in searched.values())):
        drawn = dict(zip(searched, values, strict=True))
        kind = str(drawn.get("model.name", file.model["name"]))
        point = {name: value for name, value in drawn.items() if applies(name, kind)}
        shape = tuple((k, v) for k, v in point.items() if k not in MEMBER_SETTINGS)
        shapes.setdefault(shape, {})[tuple(point.items())] = point
    order = random.Random(file.study.seed)
    groups = [list(group.values()) for group in shapes.values()]
    order.shuffle(groups)
    for group in groups:
        order.shuffle(group)
    return [point for group in groups for point in group]


def _values(setting: Range | Choices) -> Sequence[Scalar]:
    return setting.choices if isinstance(setting, Choices) else setting.values()
