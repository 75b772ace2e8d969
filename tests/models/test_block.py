"""A transformer block equals PyTorch's on the same weights."""

import pytest
import torch
from torch import nn

from a3b_tune.models.block import Block
from tests.models.examples import tokens


def pair(norm: str) -> tuple[Block, nn.TransformerEncoderLayer]:
    torch.manual_seed(3)
    ours = Block(8, 2, dropout=0.0, norm=norm).double()
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.5)
    theirs = nn.TransformerEncoderLayer(
        8, 2, dim_feedforward=32, dropout=0.0, batch_first=True, norm_first=norm == "pre"
    ).double()
    attention = ours.attention
    weights = {
        "self_attn.in_proj_weight": torch.cat(
            (attention.queries.weight, attention.keys_values.weight)
        ),
        "self_attn.in_proj_bias": torch.cat((attention.queries.bias, attention.keys_values.bias)),
    }
    for name, layer in {
        "self_attn.out_proj": attention.unify,
        "linear1": ours.feed_forward[0],
        "linear2": ours.feed_forward[3],
        "norm1": ours.attention_norm,
        "norm2": ours.feed_forward_norm,
    }.items():
        weights |= {f"{name}.weight": layer.weight, f"{name}.bias": layer.bias}
    theirs.load_state_dict(weights)
    return ours, theirs


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("length", [6, 40])
def test_it_equals_the_encoder_layer(length, norm):
    ours, theirs = pair(norm)
    x = torch.randn(5, length, 8, dtype=torch.float64)
    padding = tokens(5, length) == 0
    wanted = theirs(x, src_key_padding_mask=padding)
    torch.testing.assert_close(ours(x, padding), wanted, rtol=0, atol=1e-11)


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("length", [6, 40])
def test_the_first_row_alone_is_the_first_row(length, norm):
    ours, _ = pair(norm)
    x = torch.randn(5, length, 8, dtype=torch.float64)
    padding = tokens(5, length) == 0
    alone = ours(x, padding, first_only=True)
    torch.testing.assert_close(alone, ours(x, padding)[:, :1], rtol=0, atol=1e-11)


def test_an_unknown_norm_is_named():
    with pytest.raises(ValueError, match="unknown norm 'prr'; did you mean 'pre'"):
        Block(8, 2, dropout=0.0, norm="prr")
