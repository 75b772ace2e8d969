"""Small real data for the training tests."""

from dataclasses import replace

import pytest
import torch
from hypothesis import settings

from a3b_tune.data.load import load
from a3b_tune.training import Prepared, Recipe, recipe_from

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def xor() -> Prepared:
    return Prepared(load("xor"), torch.device("cpu"))


@pytest.fixture(scope="session")
def synth() -> Prepared:
    """2 000 rows to train on and 2 500 to validate: what is compared here is the same of any."""
    return small("synth")


def small(name: str) -> Prepared:
    """A data set of which 2 000 rows train and a tenth of the others validates."""
    data = load(name).sample(2000, 0)
    tenth = data.validation.take(torch.arange(0, len(data.validation), 10))
    return Prepared(replace(data, validation=tenth), torch.device("cpu"))


def recipe(seed: int = 1, **settings) -> Recipe:
    """A recipe whose names write `__` for the dot: `model__name="baseline"`."""
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return recipe_from({"model.name": "baseline", "training.epochs": 1, **given}, seed)
