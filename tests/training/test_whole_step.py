"""The step as one function: as it is, compiled, and played back by a GPU where there is one."""

import pytest
import torch

from a3b_tune.data.load import load
from a3b_tune.models.native import compiler
from a3b_tune.training import PlainLearner, Prepared, compiling, whole_step
from a3b_tune.training.stacked import StackedLearner
from tests.models.examples import STACKED_MODELS
from tests.training.conftest import recipe, small
from tests.training.test_stacked import (
    assert_as_alone,
    assert_members_are_as_alone,
    double,
    members,
    shape_of,
    weights,
)

__all__ = ["double"]
VARIANTS = [
    *({"model__name": name} for name in STACKED_MODELS),
    {"model__name": "simple_attention", "optimizer__name": "adamw"},
    {"model__name": "full_attention", "optimizer__name": "sgd"},
]


# The encoder on synth would take half a minute, and do what it does on xor.
PLACES = [
    pytest.param(variant, data, id="-".join([*map(str, variant.values()), data]))
    for variant in VARIANTS
    for data in ("xor", "synth")
    if (variant["model__name"], data) != ("encoder", "synth")
]


@pytest.mark.parametrize(("variant", "data"), PLACES)
def test_from_fixed_places_a_member_is_what_it_is_alone(double, variant, data):
    """One of the four slots is idle all the time."""
    prepared = small(data)
    recipes = members(**variant)
    learner = StackedLearner(shape_of(recipes[0]), prepared, 4)
    learner._way = "run"
    assert_members_are_as_alone(learner, recipes, prepared)


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
def test_compiled_a_member_is_what_it_is_alone(double, synth):
    """Two shapes, so that one's code is not taken for the other's."""
    for name, width in (("simple_attention", 8), ("baseline", 12)):
        settings = {"model__name": name, "model__width": width, "training__batch_size": 64}
        one = recipe(1, optimizer__lr=3e-3, training__epochs=2, **settings)
        two = recipe(2, optimizer__lr=1e-2, optimizer__weight_decay=0.1, **settings)
        three = recipe(3, optimizer__lr=2e-3, optimizer__beta1=0.8, **settings)
        learner = StackedLearner(shape_of(one), synth, 2)
        learner._way = "compile"
        first, gone = learner.add(one), learner.add(two)
        begun = learner.epoch()
        assert learner._way == "compile"
        assert_as_alone(learner, gone, two, synth, [begun[gone]])
        learner.remove(gone)
        late = learner.add(three)
        ended = learner.epoch()
        assert_as_alone(learner, first, one, synth, [begun[first], ended[first]])
        assert_as_alone(learner, late, three, synth, [ended[late]])


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
def test_compiled_a_member_sees_the_noise_that_it_sees_alone(double, synth):
    """The hash of the noise wraps around in int32, in compiled code too."""
    settings = {"model__name": "full_attention", "training__batch_size": 64}
    noisy = {"model__dropout": 0.3, "training__word_dropout": 0.2, "training__clip": 0.5}
    one = recipe(1, optimizer__lr=3e-3, **noisy, **settings)
    learner = StackedLearner(shape_of(one), synth, 2)
    learner._way = "compile"
    first, _ = learner.add(one), learner.add(recipe(2, model__dropout=0.1, **settings))
    found = learner.epoch()
    assert learner._way == "compile"
    assert_as_alone(learner, first, one, synth, [found[first]])


def test_what_cannot_be_compiled_is_done_without(monkeypatch, synth):
    def refuse(method):
        raise RuntimeError("the compiler has crashed")

    monkeypatch.setattr(whole_step, "compiled", refuse)
    wanted = recipe(optimizer__lr=3e-3, training__batch_size=64)
    learner = StackedLearner(shape_of(wanted), synth, 1)
    learner._way = "compile"
    name = learner.add(wanted)
    found = learner.epoch()[name]
    assert found.loss == pytest.approx(next(PlainLearner(wanted, synth).epochs()).loss, abs=1e-5)


@pytest.mark.parametrize(("ahead", "seconds", "way"), [(100, 1.0, "compile"), (10, 1.0, "no")])
def test_compiling_is_for_long_runs(monkeypatch, synth, ahead, seconds, way):
    monkeypatch.setattr(compiling, "compiler", lambda: "/usr/bin/c++")
    wanted = recipe(training__batch_size=64)
    learner = StackedLearner(shape_of(wanted), synth, 1, epochs_ahead=ahead)
    learner.add(wanted)
    learner._compile(seconds)
    assert learner._way == way


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
    for name, wanted, seen in (
        (first, one, [begun[first], ended[first]]),
        (third, three, [begun[third], ended[third]]),
        (late, four, [ended[late]]),
    ):
        alone = PlainLearner(wanted, prepared)
        for found, plain in zip(seen, alone.epochs(), strict=True):
            assert found.value == pytest.approx(plain.value, abs=0.002)
            assert found.loss == pytest.approx(plain.loss, abs=1e-6)
        for key, parameter in alone.model.named_parameters():
            own = weights(learner, name)[key]
            torch.testing.assert_close(own, parameter.detach(), rtol=0, atol=1e-6)
