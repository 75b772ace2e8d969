"""The attention layer: equal to PyTorch's on the same weights; one row is a row of the whole."""

import pytest
import torch
from torch import nn

from a3b_tune.models.attention import SelfAttention
from tests.models.examples import tokens


def layer(*, bias: bool, heads: int = 2) -> SelfAttention:
    torch.manual_seed(1)
    made = SelfAttention(8, heads, bias=bias).double()
    for parameter in made.parameters():  # biases too
        nn.init.normal_(parameter, std=0.5)
    return made


def inputs(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    padding = tokens(5, length) == 0
    return torch.randn(5, length, 8, dtype=torch.float64), padding


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("length", [2, 6, 12, 40])
def test_it_equals_multihead_attention(length, bias):
    ours = layer(bias=bias)
    theirs = nn.MultiheadAttention(8, 2, bias=True, batch_first=True).double()
    weights = theirs.state_dict()
    weights["in_proj_weight"] = torch.cat((ours.queries.weight, ours.keys_values.weight))
    weights["in_proj_bias"] = torch.zeros(24, dtype=torch.float64)
    if bias:
        weights["in_proj_bias"] = torch.cat((ours.queries.bias, ours.keys_values.bias))
    weights["out_proj.weight"], weights["out_proj.bias"] = ours.unify.weight, ours.unify.bias
    theirs.load_state_dict(weights)
    x, padding = inputs(length)
    wanted, _ = theirs(x, x, x, key_padding_mask=padding)
    torch.testing.assert_close(ours(x, padding), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("length", [1, 2, 6, 9, 40])
def test_the_first_row_alone_is_the_first_row(length, bias, heads):
    attention = layer(bias=bias, heads=heads)
    x, padding = inputs(length)
    alone = attention(x, padding, first_only=True)
    assert alone.shape == (5, 1, 8)
    torch.testing.assert_close(alone, attention(x, padding)[:, :1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("length", [6, 40])
def test_the_first_row_alone_has_the_same_gradients(length):
    attention = layer(bias=True)
    x, padding = inputs(length)
    x.requires_grad_()
    wanted = [x, *attention.parameters()]
    alone = attention(x, padding, first_only=True)[:, 0].sin().sum()
    whole = attention(x, padding)[:, 0].sin().sum()
    for one, other in zip(
        torch.autograd.grad(alone, wanted), torch.autograd.grad(whole, wanted), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)
