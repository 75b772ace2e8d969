"""What a token had to do with an answer, against direct computation."""

import math

import pytest
import torch
from torch import nn

from a3b_tune.models.explaining import contributions, explain
from a3b_tune.models.pools import pool
from tests.models import examples

TOKENS = examples.tokens()
PADDING = TOKENS == 0


@pytest.mark.parametrize("pool", examples.POOLS)
def test_what_a_baselines_tokens_add_sums_to_its_logits(pool):
    model = examples.model("baseline", pool=pool, width=8)
    parts = contributions(model, TOKENS)
    torch.testing.assert_close(parts.sum(1) + model.classify.bias, model(TOKENS))
    assert not parts[PADDING].any()


@pytest.mark.parametrize("pool", examples.POOLS)
def test_contributions_sum_to_the_lead_of_the_answer(pool):
    model = examples.model("baseline", pool=pool, width=8)
    logits, found = explain(model, TOKENS)
    best, second = logits.topk(2, 1).values.unbind(1)
    torch.testing.assert_close(logits, model(TOKENS))
    torch.testing.assert_close(found.weights.sum(1) + found.rest, best - second)
    assert found.against.equal(logits.topk(2, 1).indices[:, 1])
    assert found.kind == "contribution"


def test_a_token_that_is_taken_out_of_a_max_pool_takes_what_it_added():
    """The token with the largest contribution to a class wins some channels of it."""
    model = examples.model("baseline", pool="max", width=8)
    row = torch.tensor([[4, 7, 9, 11]])
    x = model.embedding(row)
    wins = x.max(1).indices[0]
    by_hand = [
        sum(x[0, t, c] * model.classify.weight[:, c] for c in range(8) if wins[c] == t)
        + torch.zeros(3)
        for t in range(4)
    ]
    torch.testing.assert_close(contributions(model, row)[0], torch.stack(by_hand).double())


def test_simple_attention_is_the_softmax_of_its_products():
    model = examples.model("simple_attention", pool="select", width=8)
    x = model.embedding(TOKENS)
    scores = torch.einsum("bc,btc->bt", x[:, 0], x).masked_fill(PADDING, -math.inf)
    torch.testing.assert_close(explain(model, TOKENS)[1].weights, scores.softmax(1))


def pytorchs(model: nn.Module, attention: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The weights (B, T, T), mean over the heads, by `nn.MultiheadAttention`."""
    width, heads = attention.width, attention.heads
    own = nn.MultiheadAttention(width, heads, batch_first=True, dtype=torch.float64)
    biased = attention.queries.bias is not None
    zeros = [torch.zeros(size).double() for size in (width, 2 * width)]
    biases = [attention.queries.bias, attention.keys_values.bias] if biased else zeros
    weights = [attention.queries.weight, attention.keys_values.weight]
    with torch.no_grad():
        own.in_proj_weight.copy_(torch.cat(weights))
        own.in_proj_bias.copy_(torch.cat(biases))
    return own(x, x, x, key_padding_mask=PADDING)[1]


@pytest.mark.parametrize("pool_name", examples.POOLS)
@pytest.mark.parametrize("name", ["full_attention", "transformer"])
def test_attention_is_that_of_pytorchs_layer(name, pool_name):
    depth = {"depth": 2} if name == "transformer" else {}
    model = examples.model(name, pool=pool_name, heads=2, head_width=4, **depth)
    x = model.positions(model.embedding(TOKENS))
    attention = model.attention if name == "full_attention" else model.blocks[-1].attention
    if name == "transformer":
        x = model.blocks[1].attention_norm(model.blocks[0](x, PADDING))
    rows = pytorchs(model, attention, x)
    wanted = rows[:, 0] if pool_name == "select" else pool("mean", rows, PADDING)
    torch.testing.assert_close(explain(model, TOKENS)[1].weights, wanted)


@pytest.mark.parametrize("variant", examples.variants(), ids=examples.label)
def test_every_model_of_rows_explains_and_padding_has_no_part(variant):
    name, settings = variant
    logits, found = explain(examples.model(name, **settings), TOKENS)
    assert logits.shape == (5, 3)
    assert not found.weights[PADDING].any()
    if found.kind == "attention":
        torch.testing.assert_close(found.weights.sum(1), torch.ones(5).double())


class Own(nn.Module):
    def forward(self, tokens):
        return torch.nn.functional.one_hot(tokens[:, 0] % 3, 3).double()


class Telling(Own):
    def attention_weights(self, tokens):
        return (tokens != 0).double()


def test_a_model_of_another_kind_says_nothing_or_what_it_chooses():
    assert explain(Own(), TOKENS)[1] is None
    assert explain(Telling(), TOKENS)[1].weights.equal((TOKENS != 0).double())
