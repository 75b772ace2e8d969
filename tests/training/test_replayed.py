"""The step that a GPU plays back: run on the CPU from the same fixed places, and on a GPU."""

import pytest
import torch

from a3b_tune.data.load import load
from a3b_tune.models import MODELS
from a3b_tune.training import PlainLearner, Prepared, stacked
from a3b_tune.training.stacked import StackedLearner
from tests.training.test_stacked import assert_as_alone, double, members, shape_of, weights

__all__ = ["double"]
VARIANTS = [
    *({"model__name": name} for name in MODELS),
    {"model__name": "simple_attention", "optimizer__name": "adamw"},
    {"model__name": "full_attention", "optimizer__name": "sgd"},
]


@pytest.mark.parametrize("data", ["xor", "synth"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(map(str, v.values())))
def test_from_fixed_places_a_member_is_what_it_is_alone(double, monkeypatch, variant, data):
    """A slot stays idle in the first epoch, another one is refilled in the second."""
    monkeypatch.setattr(stacked, "replays", lambda device: True)
    prepared = Prepared(load(data).sample(2000, 0), torch.device("cpu"))
    one, two, three, four = members(**variant)
    learner = StackedLearner(shape_of(one), prepared, 4)
    first, gone, third = learner.add(one), learner.add(two), learner.add(three)
    begun = learner.epoch()
    assert_as_alone(learner, gone, two, prepared, [begun[gone]])
    learner.remove(gone)
    late = learner.add(four)
    ended = learner.epoch()
    assert_as_alone(learner, first, one, prepared, [begun[first], ended[first]])
    assert_as_alone(learner, third, three, prepared, [begun[third], ended[third]])
    assert_as_alone(learner, late, four, prepared, [ended[late]])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(map(str, v.values())))
def test_played_back_on_a_gpu_a_member_is_what_it_is_alone(double, variant):
    prepared = Prepared(load("synth").sample(2000, 0), torch.device("cuda"))
    one, two, three, four = members(**variant)
    learner = StackedLearner(shape_of(one), prepared, 3)
    first, gone, third = learner.add(one), learner.add(two), learner.add(three)
    begun = learner.epoch()
    learner.remove(gone)
    late = learner.add(four)
    ended = learner.epoch()
    for name, recipe, seen in (
        (first, one, [begun[first], ended[first]]),
        (third, three, [begun[third], ended[third]]),
        (late, four, [ended[late]]),
    ):
        alone = PlainLearner(recipe, prepared)
        for found, plain in zip(seen, alone.epochs(), strict=True):
            assert found.accuracy == pytest.approx(plain.accuracy, abs=0.002)
            assert found.loss == pytest.approx(plain.loss, abs=1e-6)
        for key, parameter in alone.model.named_parameters():
            own = weights(learner, name)[key]
            torch.testing.assert_close(own, parameter.detach(), rtol=0, atol=1e-6)
