import pytest
import torch
from torch import nn

from a3b_tune.models import build
from a3b_tune.training.evaluation import accuracy


def test_accuracy_over_distinct_rows_is_that_over_all_rows(synth):
    torch.manual_seed(0)
    model = build("full_attention", vocabulary=synth.vocabulary, classes=2, max_length=6)
    x, y = synth.dataset.validation.to_lists()
    with torch.inference_mode():
        plain = (model(torch.tensor(x)).argmax(1) == torch.tensor(y)).float().mean()
    assert accuracy(model, synth.cut(None).validation) == pytest.approx(float(plain), abs=1e-6)


def test_the_model_is_scored_without_dropout_and_left_as_it_was(synth):
    class Noted(nn.Module):
        seen: bool = True

        def forward(self, tokens):
            self.seen = self.training
            return torch.zeros(len(tokens), 2)

    model = Noted()
    accuracy(model, synth.cut(None).validation)
    assert not model.seen
    assert model.training
