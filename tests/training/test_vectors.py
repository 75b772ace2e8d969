"""Words that start from vectors: alone and in a stack the same, and nothing where they misfit."""

from pathlib import Path

import pytest
import torch

from a3b_tune.errors import InputError
from a3b_tune.study import loads
from a3b_tune.training import PlainLearner, Prepared
from a3b_tune.training.stacked import StackedLearner
from a3b_tune.training.vectors import check_vectors
from tests.training.conftest import recipe
from tests.training.test_stacked import shape_of

SETTINGS = {
    "model__name": "encoder",
    "model__width": 4,
    "model__heads": 2,
    "model__feed_forward": 8,
    "training__batch_size": 64,
}


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text("true 1 2 3 4\nnobody 0 0 0 0\n")
    return path


@pytest.fixture
def begun(file, xor) -> Prepared:
    few = xor.dataset.sample(500, 0)
    return Prepared(few.with_vectors(str(file)), torch.device("cpu"))


def test_known_words_start_from_their_vectors_the_others_from_the_seed(begun, xor):
    table = begun.model(recipe(7, **SETTINGS)).embedding.weight
    plain = xor.model(recipe(7, **SETTINGS)).embedding.weight
    place = begun.dataset.vocabulary.w2i
    assert table[place["true"]].tolist() == [1, 2, 3, 4]
    others = [index for index in range(len(table)) if index not in begun.dataset.vectors.words]
    assert torch.equal(table[others], plain[others])


@pytest.mark.parametrize("optimizer", ["adam", "sparse_adam"])
def test_in_a_stack_each_member_starts_from_them(begun, optimizer):
    recipes = [recipe(seed, **SETTINGS, optimizer__name=optimizer) for seed in (1, 2)]
    learner = StackedLearner(shape_of(recipes[0]), begun, 2)
    names = [learner.add(one) for one in recipes]
    found = learner.epoch()
    for name, one in zip(names, recipes, strict=True):
        alone = next(PlainLearner(one, begun).epochs())
        assert found[name].loss == pytest.approx(alone.loss, abs=1e-4)


def study(model: str):
    return loads(f"[study]\nname = 's'\n[data]\nname = 'xor'\n[model]\n{model}", "s.toml")


def test_a_width_that_is_not_theirs_is_refused_for_every_draw(begun):
    check_vectors(study('name = "encoder"\nwidth = 4\nheads = 2'), begun.dataset)
    for model in (
        'name = "baseline"',
        'name = "encoder"\nheads = 2\nhead_width = { choices = [2, 4] }',
    ):
        with pytest.raises(
            InputError, match=r"model.width: must be 4, the length of .*, not (64|8)"
        ):
            check_vectors(study(model), begun.dataset)


def test_a_table_of_another_width_is_not_begun(begun):
    with pytest.raises(InputError, match=r"must be 4, the length of the vectors in vectors\.txt"):
        begun.model(recipe(1))
