"""Causal attention as one operation: PyTorch's numbers and gradients, whoever computes them."""

import math

import pytest
import torch
from torch import Tensor
from torch.func import grad, vmap
from torch.nn.functional import scaled_dot_product_attention

from a3b_tune.models import causal_op
from a3b_tune.models.causal_op import SOURCE, attend_causal
from a3b_tune.models.native import compiler, library

# (rows, positions, heads, channels of a head): fewer and more than fill the kernel's vectors, each
# number of channels that it has code for, one that it has not
SHAPES = [
    *((1, 1, 1, 1), (3, 37, 2, 5), (2, 16, 1, 8), (2, 33, 3, 12), (1, 20, 2, 24)),
    *((1, 48, 2, 32), (1, 18, 1, 40), (2, 17, 1, 64), (1, 9, 1, 70)),
]


def inputs(shape: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    rows, length, heads, channels = shape
    torch.manual_seed(length)
    projected = 2 * torch.randn(rows, length, 3 * heads * channels, dtype=dtype)
    return projected, torch.randn(rows, length, heads * channels, dtype=dtype)


def by_hand(projected: Tensor, heads: int) -> Tensor:
    """Every score written down, what comes later without weight."""
    rows, length, width = projected.shape
    q, k, v = projected.view(rows, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(2, 3) / math.sqrt(width // (3 * heads))
    later = torch.ones(length, length, dtype=torch.bool).triu(1)
    y = scores.masked_fill(later, -math.inf).softmax(3) @ v
    return y.transpose(1, 2).flatten(2)


def both(projected: Tensor, gradient: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """Result and gradient."""
    leaf = projected.clone().requires_grad_()
    scale = 1 / math.sqrt(projected.shape[2] // (3 * heads))
    y = attend_causal(leaf, heads, scale)
    return y.detach(), torch.autograd.grad(y, leaf, gradient)[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_the_formula(shape, dtype):
    projected, gradient = inputs(shape, dtype)
    exact = projected.double().requires_grad_()
    y = by_hand(exact, shape[2])
    wanted = y, torch.autograd.grad(y, exact, gradient.double())[0]
    error = 1e-12 if dtype == torch.float64 else 1e-5
    for found, right in zip(both(projected, gradient, shape[2]), wanted, strict=True):
        torch.testing.assert_close(found.double(), right, rtol=error, atol=error)


def test_it_equals_pytorchs_causal_attention():
    projected, _ = inputs((3, 21, 2, 6), torch.float64)
    q, k, v = projected.view(3, 21, 3, 2, 6).permute(2, 0, 3, 1, 4)
    wanted = scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
    found = attend_causal(projected, 2, 1 / math.sqrt(6))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


def test_what_comes_later_has_no_weight_at_all():
    """However large it is: a very small weight would let it through."""
    projected, _ = inputs((1, 37, 2, 5), torch.float32)
    huge = projected.clone()
    huge[:, 20:] = 1e30
    seen, hidden = attend_causal(projected, 2, 0.4), attend_causal(huge, 2, 0.4)
    assert torch.equal(seen[:, :20], hidden[:, :20])
    leaf = projected.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(attend_causal(leaf, 2, 0.4)[:, :20].sum(), leaf)
    assert gradient[:, 20:].abs().max() == 0


def test_large_scores_overflow_nothing():
    projected, gradient = inputs((2, 20, 2, 8), torch.float32)
    found, slope = both(projected * 100, gradient, 2)
    torch.testing.assert_close(
        found.double(), by_hand(projected.double() * 100, 2), atol=1e-3, rtol=0
    )
    assert slope.isfinite().all()


def test_a_number_that_is_none_stays_none_and_in_its_row():
    projected, gradient = inputs((2, 20, 1, 8), torch.float32)
    projected[0, 4] = math.nan
    found, slope = both(projected, gradient, 1)
    assert found[0, 4:].isnan().all()
    assert slope[0].isnan().any()
    assert found[1].isfinite().all()
    assert slope[1].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_all_members_in_one_call_are_each_alone(dtype):
    parts = [inputs((2, 19, 2, 6), dtype)[0] + k for k in range(3)]

    def loss(projected: Tensor) -> Tensor:
        return attend_causal(projected, 2, 0.4).sin().sum()

    stacked = torch.stack(parts)
    inside, outside = vmap(grad(loss))(stacked), grad(lambda x: vmap(loss)(x).sum())(stacked)
    for k, part in enumerate(parts):
        assert torch.equal(inside[k], grad(loss)(part))
        assert torch.equal(outside[k], grad(loss)(part))


def test_without_a_compiler_pytorch_does_the_same_work(monkeypatch):
    projected, gradient = inputs((2, 19, 2, 6), torch.float32)
    ours = both(projected, gradient, 2)
    monkeypatch.setattr(causal_op, "library", lambda _: None)
    for one, other in zip(ours, both(projected, gradient, 2), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler on this machine")
def test_compiled_inside_a_gradient_of_a_stack_it_keeps_its_gradient():
    parts = torch.stack([inputs((2, 9, 1, 4), torch.float32)[0] + k for k in range(2)])

    def total(x: Tensor) -> Tensor:
        return vmap(lambda own: attend_causal(own, 1, 0.5).sin().sum())(x).sum()

    def run(x: Tensor) -> Tensor:
        return grad(total)(x)

    causal_op.tell_compiler()
    found = torch.compile(run, backend="aot_eager", fullgraph=True)(parts)
    torch.testing.assert_close(found, run(parts), rtol=0, atol=1e-6)


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler on this machine")
def test_this_machine_has_the_kernel():
    kernel = library(SOURCE)
    assert kernel is not None
    assert kernel is library(SOURCE)


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler on this machine")
def test_threads_change_nothing():
    projected, gradient = inputs((3, 37, 2, 8), torch.float32)
    alone, before = both(projected, gradient, 2), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for one, other in zip(alone, both(projected, gradient, 2), strict=True):
            assert torch.equal(one, other)
    finally:
        torch.set_num_threads(before)
