import pytest
import torch
from torch import nn
from torch.nn import functional as F

from a3b_tune.training.gradients import clip_gradients, gradient_norm


def modules_with_gradients(sparse):
    torch.manual_seed(0)
    model = nn.ModuleList([nn.Embedding(50, 8, sparse=sparse), nn.Linear(8, 3)])
    tokens = torch.tensor([[1, 2, 2, 7], [7, 7, 1, 3]])  # rows that repeat
    F.cross_entropy(model[1](model[0](tokens).mean(1)), torch.tensor([0, 2])).backward()
    return model


def reference_norm():
    model = modules_with_gradients(sparse=False)
    return float(nn.utils.clip_grad_norm_(model.parameters(), float("inf")))


@pytest.mark.parametrize("sparse", [False, True])
def test_norm_is_pytorchs_also_where_rows_of_a_sparse_gradient_repeat(sparse):
    model = modules_with_gradients(sparse)
    assert float(gradient_norm(model.parameters())) == pytest.approx(reference_norm(), rel=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
def test_clipping_scales_the_common_norm_to_the_limit_and_returns_it_as_it_was(sparse):
    model = modules_with_gradients(sparse)
    limit = reference_norm() / 3
    assert float(clip_gradients(model.parameters(), limit)) == pytest.approx(reference_norm())
    assert float(gradient_norm(model.parameters())) == pytest.approx(limit, rel=1e-4)


def test_a_small_gradient_is_left_alone():
    model = modules_with_gradients(sparse=False)
    before = [p.grad.clone() for p in model.parameters()]
    clip_gradients(model.parameters(), 1e6)
    assert all(torch.equal(a, p.grad) for a, p in zip(before, model.parameters(), strict=True))


def test_no_gradients_have_norm_zero():
    assert float(gradient_norm(nn.Linear(2, 2).parameters())) == 0.0
