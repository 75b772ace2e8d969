import math

import pytest
import torch

from a3b_tune.models import settings_of
from a3b_tune.training import Diverged, PlainLearner, Stopped
from tests.models.examples import STACKED_MODELS
from tests.training.conftest import recipe
from tests.training.test_stacked import SMALL


@pytest.mark.parametrize("model", STACKED_MODELS)
def test_every_model_lowers_its_loss_on_synth(synth, model):
    pool = {"model__pool": "max"} if "pool" in settings_of(model) else {}
    small = SMALL.get(model, {}) | pool
    wanted = recipe(model__name=model, optimizer__lr=3e-3, training__epochs=3, **small)
    epochs = list(PlainLearner(wanted, synth).epochs())
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert epochs[-1].loss < epochs[0].loss < 1.0
    assert all(math.isfinite(epoch.gradient_norm) for epoch in epochs)


def test_full_attention_with_heads_solves_xor_and_so_learns(xor):
    wanted = recipe(model__name="full_attention", optimizer__lr=1e-2, training__batch_size=128)
    assert next(PlainLearner(wanted, xor).epochs()).value == 1.0


def test_the_same_recipe_gives_the_same_epochs_and_another_seed_does_not(synth):
    settings = {
        "model__name": "full_attention",
        "model__dropout": 0.2,
        "training__word_dropout": 0.2,
        "training__epochs": 2,
    }

    def run(seed):
        learner = PlainLearner(recipe(seed, **settings), synth)
        return [(e.loss, e.value, e.gradient_norm) for e in learner.epochs()]

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_a_rate_far_too_high_is_told_as_diverged_at_once(synth):
    wanted = recipe(
        model__name="full_attention", optimizer__name="sgd", optimizer__lr=1e30, training__epochs=9
    )
    with pytest.raises(Diverged, match=r"mean loss .* by step \d+ of epoch 1"):
        list(PlainLearner(wanted, synth).epochs())


def test_it_stops_between_two_steps_when_asked(synth):
    steps = 0

    def enough():
        nonlocal steps
        steps += 1
        return steps > 10

    learner = PlainLearner(recipe(training__epochs=100), synth, enough)
    with pytest.raises(Stopped):
        list(learner.epochs())
    assert steps == 11


def test_clipping_bounds_the_first_step(synth):
    """With SGD at rate 1 the weights move by no more than the clipped norm."""
    wanted = recipe(
        optimizer__name="sgd",
        optimizer__lr=1.0,
        training__clip=0.01,
        training__batch_size=2000,
        model__pool="max",
    )
    learner = PlainLearner(wanted, synth)
    before = [p.detach().clone() for p in learner.model.parameters()]
    next(learner.epochs())
    after = learner.model.parameters()
    moved = torch.cat(
        [(a - b).detach().flatten() for a, b in zip(after, before, strict=True)]
    ).norm()
    assert 0 < float(moved) <= 0.01 * 1.001


def test_warmup_and_schedule_set_the_recorded_rate(synth):
    wanted = recipe(
        optimizer__lr=0.01, training__epochs=2, training__schedule="linear", training__warmup=0.25
    )
    rates = [epoch.lr for epoch in PlainLearner(wanted, synth).epochs()]
    assert 0.01 >= rates[0] > rates[1] > 0
    assert rates[1] < 0.001


def test_a_token_budget_makes_batches_too(synth):
    wanted = recipe(training__batch_tokens=600, optimizer__lr=1e-2)
    assert next(PlainLearner(wanted, synth).epochs()).loss < 0.75
