"""Attention without parameters: one result, whichever way it is computed."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from a3b_tune.models import attend as module
from a3b_tune.models.attend import attend, attend_few, attend_fused, attend_some


def inputs(queries: int, keys: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(queries * 100 + keys)
    q = torch.randn(3, queries, 2, 4, dtype=torch.float64)
    k, v = torch.randn(2, 3, keys, 2, 4, dtype=torch.float64)
    padding = torch.arange(keys) >= torch.tensor([[keys], [max(1, keys - 1)], [1]])
    return q, k, v, padding


def by_hand(q: Tensor, k: Tensor, v: Tensor, padding: Tensor, scale: float) -> Tensor:
    scores = torch.einsum("bshd,bthd->bhst", q, k) * scale
    weights = torch.exp(scores) * ~padding[:, None, None]
    return torch.einsum("bhst,bthd->bshd", weights / weights.sum(-1, keepdim=True), v)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (2, 2), (6, 6), (3, 70), (70, 70)])
@pytest.mark.parametrize("way", [attend_few, attend_fused, attend])
def test_every_way_is_the_formula(way, shape):
    q, k, v, padding = inputs(*shape)
    torch.testing.assert_close(way(q, k, v, padding, 0.5), by_hand(q, k, v, padding, 0.5))


@pytest.mark.parametrize("shape", [(1, 6), (6, 6)])
def test_it_equals_pytorchs_own(shape):
    q, k, v, padding = inputs(*shape)
    heads_first = (part.transpose(1, 2) for part in (q, k, v))
    own = scaled_dot_product_attention(*heads_first, attn_mask=~padding[:, None, None])
    few = attend_few(q, k, v, padding, 1 / math.sqrt(4))
    torch.testing.assert_close(few, own.transpose(1, 2), rtol=0, atol=1e-12)


@pytest.mark.parametrize("way", [attend_few, attend_some, attend_fused])
def test_padding_gets_no_weight_and_no_gradient(way):
    q, k, v, padding = inputs(2, 5)
    k[padding] = 1e6
    v[padding] = 1e6
    k.requires_grad_()
    v.requires_grad_()
    y = way(q, k, v, padding, 0.5)
    y.sum().backward()
    assert y.abs().max() < 100
    assert not k.grad[padding].any()
    assert not v.grad[padding].any()


@pytest.mark.parametrize("shape", [(1, 6), (2, 2), (6, 6)])
def test_all_ways_have_the_same_gradients(shape):
    gradients = []
    for way in (attend_few, attend_some, attend_fused):
        *parts, padding = inputs(*shape)
        parts = [part.requires_grad_() for part in parts]
        gradients.append(torch.autograd.grad(way(*parts, padding, 0.7).sin().sum(), parts))
    for few, some, fused in zip(*gradients, strict=True):
        torch.testing.assert_close(few, fused)
        torch.testing.assert_close(some, fused)


def test_the_way_hangs_on_the_shape_alone(monkeypatch):
    taken = []
    monkeypatch.setattr(module, "attend_few", lambda *_: taken.append("few"))
    monkeypatch.setattr(module, "attend_some", lambda *_: taken.append("some"))
    monkeypatch.setattr(module, "attend_fused", lambda *_: taken.append("fused"))
    for shape in ((1, 6), (2, 2), (1, 9), (6, 6), (32, 32), (1, 1025), (33, 33)):
        attend(*inputs(*shape), 1.0)
    assert taken == ["few", "few", "some", "some", "some", "fused", "fused"]
