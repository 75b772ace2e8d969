"""Simple attention by hand."""

import pytest
import torch

from a3b_tune.models.pools import pool
from tests.models.examples import POOLS, POSITIONS, model, tokens


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("length", [2, 6, 12])
def test_it_is_a_pool_of_the_whole_attention(length, positions, name):
    made = model("simple_attention", pool=name, positions=positions, width=8)
    read = tokens(5, length)
    x = made.positions(made.embedding(read))
    scores = (x @ x.transpose(1, 2)).masked_fill((read == 0)[:, None], float("-inf"))
    wanted = made.classify(pool(name, scores.softmax(-1) @ x, read == 0))
    torch.testing.assert_close(made(read), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("width", [16, 256])
@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_a_fresh_model_looks_at_more_than_the_token_itself(positions, width):
    made = model("simple_attention", positions=positions, width=width)
    x = made.positions(made.embedding(torch.arange(1, 7)[None]))[0]
    weights = (x @ x.T).softmax(-1)
    assert weights.diagonal().max() < 0.8
