"""HOW models are trained, one or many at once. Knows no Optuna: it is told who goes on."""

from a3b_tune.training.learner import Diverged, Epoch, Learner, Stopped
from a3b_tune.training.opening import open_learner
from a3b_tune.training.plain import PlainLearner
from a3b_tune.training.prepared import Prepared
from a3b_tune.training.recipe import Recipe, recipe_from
from a3b_tune.training.snapshot import BadSnapshot

__all__ = [
    "BadSnapshot",
    "Diverged",
    "Epoch",
    "Learner",
    "PlainLearner",
    "Prepared",
    "Recipe",
    "Stopped",
    "open_learner",
    "recipe_from",
]
