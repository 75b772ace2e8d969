"""HOW one model is trained. Knows no Optuna: it yields epochs and may be told to stop."""

from a3b_tune.training.learner import Diverged, Epoch, PlainLearner, Stopped
from a3b_tune.training.prepared import Prepared
from a3b_tune.training.recipe import Recipe, recipe_from

__all__ = ["Diverged", "Epoch", "PlainLearner", "Prepared", "Recipe", "Stopped", "recipe_from"]
