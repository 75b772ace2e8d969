"""Which models may be stacked: found by trying, and what may is what it is alone."""

import pytest
import torch

from a3b_tune.training import PlainLearner, Prepared
from a3b_tune.training.shape import Shape
from a3b_tune.training.stack_size import StackSizes
from a3b_tune.training.stackable import obstacle, stacks
from a3b_tune.training.stacked import StackedLearner
from tests.training.conftest import recipe
from tests.training.test_stacked import shape_of

HERE = "tests.own_models"


def shape(name: str, optimizer: str = "adam") -> Shape:
    return Shape.of({"model.name": name, "optimizer.name": optimizer})


@pytest.mark.parametrize(
    ("name", "optimizer", "why"),
    [
        ("Bag", "adam", None),
        ("Bag", "sparse_adam", None),
        ("OfText", "adam", None),
        ("ReadsNumbers", "adam", None),
        ("ReadsNumbers", "sparse_adam", "in a stack its loss is another, by "),
        ("Scales", "adam", "in a stack its loss is another, by "),
        ("Freezes", "adam", "its parameter 'embedding.weight' is not trained"),
        ("DropsByLayer", "adam", "it has nn.Dropout, whose noise cannot be a member's own"),
        ("Drops", "adam", "RuntimeError: vmap: called random operation"),
        ("Looks", "adam", "RuntimeError: vmap: It looks like you're attempting to use a Tensor in"),
        ("Recurrent", "adam", "RuntimeError: Batching rule not implemented for aten::gru.input"),
    ],
)
def test_two_members_are_tried_together_and_alone(name, optimizer, why):
    before = torch.random.get_rng_state()
    found = obstacle(shape(f"{HERE}:{name}", optimizer))
    assert found is None if why is None else str(found).startswith(why)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_class_may_say_so_itself():
    assert stacks("baseline") and stacks(f"{HERE}:Bag")
    assert not stacks(f"{HERE}:Says")
    assert obstacle(shape("baseline")) is None


def test_what_does_not_stack_has_stacks_of_one_and_that_is_told(xor):
    told: list[str] = []
    for asked in ("4", "auto"):
        sizes = StackSizes(xor, asked, told.append)
        assert sizes.size(shape(f"{HERE}:Recurrent"), 4) == 1
        assert sizes.size(shape(f"{HERE}:Says"), 4) == 1
    assert told[0] == told[1]
    assert told[0].startswith(f"model {HERE}:Recurrent cannot be stacked (RuntimeError: Batching ")
    assert told[0].endswith("): its trials run one by one")
    assert len(told) == 2
    assert StackSizes(xor, "4", told.append).size(shape(f"{HERE}:Bag"), 4) == 4


@pytest.mark.parametrize("optimizer", ["adam", "sparse_adam"])
def test_a_member_of_ones_own_model_is_what_it_is_alone(xor, optimizer):
    few = Prepared(xor.dataset.sample(500, 0), torch.device("cpu"))
    settings = {"model__name": f"{HERE}:Bag", "optimizer__name": optimizer}
    recipes = [recipe(n, **settings, model__dropout=rate) for n, rate in ((1, 0.0), (2, 0.3))]
    learner = StackedLearner(shape_of(recipes[0]), few, 2)
    names = [learner.add(one) for one in recipes]
    found = learner.epoch()
    for name, one in zip(names, recipes, strict=True):
        alone = next(PlainLearner(one, few).epochs())
        assert found[name].loss == pytest.approx(alone.loss, abs=1e-5)
