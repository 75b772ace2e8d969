"""Bits are what theory says they are."""

import pytest
import torch
from torch import nn

from a3b_tune.data.windows import fresh_windows
from a3b_tune.training import PlainLearner, Stopped
from a3b_tune.training.bits import mean_and_error, window_bits
from a3b_tune.training.learner import never
from tests.training.texts import Knows, chain, entropy, prepared, text_recipe

PLAIN = torch.autocast("cpu", torch.bfloat16, enabled=False)
LENGTH = 8


def measured(model, text, count=4000, should_stop=never):
    starts = fresh_windows(text, LENGTH, count, torch.Generator().manual_seed(0))
    return window_bits(model, text, starts, LENGTH, PLAIN, should_stop)


def test_a_known_source_is_measured_within_two_standard_errors_of_its_entropy():
    """The model is the source itself; a text so long that no window comes twice, so that the error
    of drawing windows is that of drawing from the source."""
    last, _ = measured(Knows(), chain(40_000).validation)
    value, error = mean_and_error(last, torch.ones(len(last)))
    assert error < 0.03
    assert abs(value - entropy()) < 2 * error


def test_bits_are_those_of_the_ideal_predictor_window_by_window():
    text = chain()
    starts = torch.tensor([0, 5, 100, len(text.validation) - LENGTH - 1])
    last, mean = window_bits(Knows(), text.validation, starts, LENGTH, PLAIN, never)
    targets = starts.unsqueeze(1) + torch.arange(1, LENGTH + 1)
    torch.testing.assert_close(last, text.ideal[starts + LENGTH], rtol=0, atol=1e-12)
    torch.testing.assert_close(mean, text.ideal[targets].mean(1), rtol=0, atol=1e-12)


def test_a_model_that_knows_nothing_needs_the_logarithm_of_the_alphabet():
    class Blind(nn.Module):
        def forward(self, tokens):
            return torch.zeros(*tokens.shape, 4)

    last, mean = measured(Blind(), chain().validation, 50)
    assert torch.allclose(last, torch.full_like(last, 2.0))
    assert torch.allclose(mean, last)


def test_counts_stand_for_draws():
    values, counts = torch.tensor([1.0, 2.0, 4.0]).double(), torch.tensor([3, 1, 2])
    drawn = values.repeat_interleave(counts)
    value, error = mean_and_error(values, counts)
    assert value == pytest.approx(float(drawn.mean()))
    assert error == pytest.approx(float(drawn.std() / len(drawn) ** 0.5))


def test_one_window_has_no_error_to_tell():
    assert mean_and_error(torch.ones(1).double(), torch.ones(1)) == (1.0, 0.0)


def test_it_stops_when_asked_and_leaves_the_model_as_it_was():
    model = Knows()
    with pytest.raises(Stopped):
        measured(model, chain().validation, should_stop=lambda: True)
    assert model.training


def test_a_small_transformer_learns_the_chain_to_a_hundredth_of_a_bit():
    wanted = text_recipe(
        model__depth=1, optimizer__lr=3e-2, training__steps=150, training__evaluate_every=50,
        training__batch_size=32, training__schedule="cosine", training__warmup=0.1,
        training__windows=2000, training__final_batches=0, samples__length=0,
    )  # fmt: skip
    *_, last = PlainLearner(wanted, prepared(chain(20_000))).epochs()
    assert last.scores["excess"] < 0.01 + 2 * last.scores["excess_error"]
    assert last.value == pytest.approx(entropy(), abs=3 * last.scores["bits_error"])
