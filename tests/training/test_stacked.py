"""A stack gives each member what it gets alone."""

from itertools import product

import pytest
import torch

from a3b_tune.data.load import load
from a3b_tune.models import settings_of
from a3b_tune.training import Diverged, PlainLearner, Prepared, Recipe, Stopped
from a3b_tune.training.plain import Alone
from a3b_tune.training.shape import Shape
from a3b_tune.training.stacked import StackedLearner
from tests.models.examples import STACKED_MODELS
from tests.training.conftest import recipe


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def shape_of(recipe: Recipe) -> Shape:
    settings = {f"model.{key}": value for key, value in recipe.model.items()}
    settings |= {f"optimizer.{k}": v for k, v in vars(recipe.optimizer).items()}
    settings |= {f"training.{k}": v for k, v in vars(recipe.training).items()}
    return Shape.of(settings | {"data.max_length": recipe.max_length})


def held(learner: StackedLearner) -> list[int]:
    """The members by row."""
    return [member.name for member in learner._members]


def weights(learner: StackedLearner, name: int) -> dict[str, torch.Tensor]:
    row = held(learner).index(name)
    values = learner._weights.values(learner.slots)
    return {key: value[row].clone() for key, value in values.items()}


SMALL = {
    "full_attention": {"model__heads": 2, "model__head_width": 4},
    "transformer": {"model__heads": 2, "model__head_width": 4},
    "encoder": {
        **{"model__heads": 2, "model__head_width": 2},
        **{"model__feed_forward": 4, "model__depth": 1},
    },
}
"""Settings of models that by default are large for a test."""
POOLS = ("select", "mean", "max")
VARIANTS = [
    *(
        {"model__name": name, "model__pool": pool}
        for name, pool in product(STACKED_MODELS, POOLS)
        if "pool" in settings_of(name)
    ),
    {"model__name": "encoder", "model__depth": 2, "optimizer__name": "sparse_adam"},
    {"model__name": "simple_attention", "model__positions": "learned"},
    {"model__name": "full_attention", "model__positions": "sinusoidal"},
    {"model__name": "transformer", "model__norm": "post", "model__depth": 2},
    {"model__name": "baseline", "optimizer__name": "adamw"},
    {"model__name": "simple_attention", "optimizer__name": "sgd"},
    *({"optimizer__name": "sparse_adam", "model__pool": pool} for pool in POOLS),
    {"model__name": "full_attention", "optimizer__name": "sparse_adam"},
]


def members(**settings) -> list[Recipe]:
    """Recipes that differ in everything that members may differ in."""
    small = SMALL.get(str(settings.get("model__name")), {})
    same = {"training__batch_size": 64, **small, **settings}
    twice = {"training__epochs": 2, **same}
    own = [{}] * 4
    if settings.get("model__name") in ("full_attention", "transformer", "encoder"):
        own = [{"model__dropout": rate} for rate in (0.2, 0.0, 0.1, 0.3)]
    sgd = settings.get("optimizer__name") == "sgd"
    return [
        recipe(1, optimizer__lr=3e-3, **own[0], **twice),
        recipe(2, optimizer__lr=1e-2, optimizer__beta1=0.8, training__warmup=0.3, **own[1], **same),
        recipe(
            3, optimizer__lr=1e-3, optimizer__weight_decay=0.01, training__clip=0.1,
            model__embedding_std=0.5, **own[2], **twice,
        ),
        recipe(
            4, optimizer__lr=5e-3, optimizer__momentum=0.5 * sgd, training__label_smoothing=0.1,
            training__schedule="cosine", training__word_dropout=0.1, **own[3], **same,
        ),
    ]  # fmt: skip


def assert_as_alone(learner: StackedLearner, name: int, recipe: Recipe, prepared, seen: list):
    """Curves and weights of a member are those of the plain learner."""
    alone = PlainLearner(recipe, prepared)
    for stacked, plain in zip(seen, alone.epochs(), strict=True):
        assert stacked.value == plain.value
        assert stacked.loss == pytest.approx(plain.loss, abs=1e-9)
        assert stacked.gradient_norm == pytest.approx(plain.gradient_norm, abs=1e-9)
        assert (stacked.epoch, stacked.lr) == (plain.epoch, plain.lr)
    for key, parameter in alone.model.named_parameters():
        own = weights(learner, name)[key]
        torch.testing.assert_close(own, parameter.detach(), rtol=0, atol=1e-9)


def assert_members_are_as_alone(learner: StackedLearner, recipes: list[Recipe], prepared):
    """2 000 rows in batches of 64 are 32 steps. Two members take two epochs; the slot of the third
    is taken in between by a fourth, which is at its first epoch when they are at their second."""
    one, two, three, four = recipes
    first, gone, third = learner.add(one), learner.add(two), learner.add(three)
    begun = learner.epoch()
    assert_as_alone(learner, gone, two, prepared, [begun[gone]])
    learner.remove(gone)
    late = learner.add(four)
    ended = learner.epoch()
    assert_as_alone(learner, first, one, prepared, [begun[first], ended[first]])
    assert_as_alone(learner, third, three, prepared, [begun[third], ended[third]])
    assert_as_alone(learner, late, four, prepared, [ended[late]])


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(map(str, v.values())))
def test_a_member_is_what_it_is_alone(double, synth, variant):
    recipes = members(**variant)
    learner = StackedLearner(shape_of(recipes[0]), synth, 3)
    assert_members_are_as_alone(learner, recipes, synth)


@pytest.mark.parametrize("name", STACKED_MODELS)
def test_where_rows_are_few_and_merged_it_is_the_same(double, name):
    """xor's 25 000 rows hold four different ones."""
    prepared = Prepared(load("xor").sample(2000, 0), torch.device("cpu"))
    settings = {"model__name": name, "training__batch_size": 64, **SMALL.get(name, {})}
    recipes = [
        recipe(1, optimizer__lr=3e-3, training__clip=0.1, **settings),
        recipe(2, optimizer__lr=1e-2, training__label_smoothing=0.1, **settings),
    ]
    learner = StackedLearner(shape_of(recipes[0]), prepared, 2)
    names = [learner.add(one) for one in recipes]
    assert learner._merges()
    found = learner.epoch()
    for member, one in zip(names, recipes, strict=True):
        assert_as_alone(learner, member, one, prepared, [found[member]])


@pytest.mark.parametrize("data", ["xor", "synth"])
@pytest.mark.parametrize("name", STACKED_MODELS)
def test_the_last_of_a_stack_is_what_it_is_alone(double, name, data):
    prepared = Prepared(load(data).sample(2000, 0), torch.device("cpu"))
    *_, wanted = members(model__name=name)
    learner = StackedLearner(shape_of(wanted), prepared, 3)
    last = learner.add(wanted)
    assert_as_alone(learner, last, wanted, prepared, [learner.epoch()[last]])


@pytest.mark.parametrize("name", STACKED_MODELS)
def test_in_single_precision_the_curves_agree(synth, name):
    recipes = [
        recipe(seed, model__name=name, optimizer__lr=lr, training__epochs=3, **SMALL.get(name, {}))
        for seed, lr in enumerate((1e-3, 3e-3, 1e-2))
    ]
    learner = StackedLearner(shape_of(recipes[0]), synth, 3)
    names = [learner.add(one) for one in recipes]
    stacked = [learner.epoch() for _ in range(3)]
    for member, one in zip(names, recipes, strict=True):
        for found, plain in zip(stacked, PlainLearner(one, synth).epochs(), strict=True):
            assert found[member].value == pytest.approx(plain.value, abs=0.002)


def trained(prepared, event, **settings) -> dict[int, dict[str, torch.Tensor]]:
    """The weights of four members after two epochs with `event(learner, names)` in between."""
    learner = StackedLearner(shape_of(recipe(**settings)), prepared, 4)
    names = [learner.add(recipe(seed, training__epochs=2, **settings)) for seed in range(4)]
    learner.epoch()
    event(learner, names)
    learner.epoch()
    return {name: weights(learner, name) for name in names if name in held(learner)}


def refill(learner, names, **settings):
    learner.remove(names[1])
    learner.add(recipe(9, optimizer__lr=0.1, **settings))


def diverge(learner, names, **settings):
    """The new member is at infinity after its first step."""
    learner.remove(names[1])
    name = learner.add(recipe(9, optimizer__lr=1e30, **settings))
    assert isinstance(learner.epoch()[name], Diverged)
    learner.remove(name)
    learner.add(recipe(10, **settings))


@pytest.mark.parametrize("name", STACKED_MODELS)
@pytest.mark.parametrize("event", [refill, diverge])
def test_the_others_do_not_notice_by_a_single_bit(synth, name, event):
    settings = {"model__name": name, "training__batch_size": 256, **SMALL.get(name, {})}

    def same(learner, names):
        """As `event`, with a member like the others."""
        learner.remove(names[1])
        learner.add(recipe(8, **settings))
        if event is diverge:
            learner.epoch()

    quiet = trained(synth, same, **settings)
    loud = trained(synth, lambda learner, names: event(learner, names, **settings), **settings)
    assert set(quiet) == set(loud)
    assert len(loud) == 3
    for member, tensors in loud.items():
        for key, tensor in tensors.items():
            assert torch.equal(tensor, quiet[member][key])


def test_a_member_that_diverges_says_where_and_the_others_go_on(xor):
    settings = {"training__batch_size": 128, "optimizer__name": "sgd", "training__epochs": 2}
    learner = StackedLearner(shape_of(recipe(**settings)), xor, 2)
    wild = learner.add(recipe(1, optimizer__lr=1e30, **settings))
    tame = learner.add(recipe(2, optimizer__lr=0.01, **settings))
    found = learner.epoch()
    assert isinstance(found[wild], Diverged)
    assert "by step 16 of epoch 1" in str(found[wild])
    assert found[tame].loss < 1.0


def test_a_full_stack_and_a_member_of_another_shape_are_refused(xor):
    learner = StackedLearner(shape_of(recipe(model__width=8)), xor, 1)
    with pytest.raises(ValueError, match="another shape"):
        learner.add(recipe(model__width=16))
    assert learner.room == 1
    learner.add(recipe(model__width=8))
    with pytest.raises(ValueError, match="no slot is free"):
        learner.add(recipe(model__width=8))


def test_it_stops_between_two_steps(xor):
    answers = iter([False] * 3 + [True])
    learner = StackedLearner(shape_of(recipe()), xor, 2, lambda: next(answers))
    learner.add(recipe())
    with pytest.raises(Stopped):
        learner.epoch()


def test_alone_is_a_stack_of_one(xor):
    learner = Alone(xor)
    wanted = recipe(training__epochs=2, training__batch_size=128)
    name = learner.add(wanted)
    assert learner.room == 0
    found = [learner.epoch()[name].value for _ in range(2)]
    assert found == [epoch.value for epoch in PlainLearner(wanted, xor).epochs()]
    learner.remove(name)
    assert learner.add(wanted) != name
