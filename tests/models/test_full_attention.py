"""Full attention: whichever way it is computed, it is a pool of the whole attention."""

import pytest
import torch

from a3b_tune.models import full_attention as module
from a3b_tune.models.pools import pool
from tests.models.examples import POOLS, POSITIONS, model, tokens


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize(
    ("batch", "length"), [(2, 2), (5, 6), (2, 12)], ids=["from tokens", "from the table", "folded"]
)
def test_it_is_a_pool_of_the_whole_attention(batch, length, positions, name):
    made = model("full_attention", pool=name, positions=positions, heads=2, head_width=4)
    read = tokens(batch, length)
    x = made.positions(made.embedding(read))
    whole = made.attention(x, read == 0)
    wanted = made.classify(pool(name, whole, read == 0))
    torch.testing.assert_close(made(read), wanted, rtol=0, atol=1e-12)


def test_a_batch_longer_than_the_vocabulary_projects_the_table(monkeypatch):
    looked_up = []
    real = module.embedding
    monkeypatch.setattr(
        module, "embedding", lambda *of: looked_up.append(of[1].shape[0]) or real(*of)
    )
    made = model("full_attention")
    made(tokens(2, 6))
    assert looked_up == []
    made(tokens(5, 6))
    assert looked_up == [20, 20]


@pytest.mark.parametrize("batch", [2, 9])
def test_a_sparse_embedding_has_a_sparse_gradient(batch):
    made = model("full_attention")
    made.embedding.sparse = True
    made(tokens(batch, 6)).sum().backward()
    assert made.embedding.weight.grad.is_sparse


def test_queries_keys_and_values_have_no_bias_and_the_heads_are_unified():
    names = {name for name, _ in model("full_attention").attention.named_parameters()}
    assert names == {"queries.weight", "keys_values.weight", "unify.weight", "unify.bias"}


def test_width_counts_where_it_is_given():
    made = model("full_attention", heads=3, head_width=16, width=12)
    assert made.embedding.embedding_dim == 12
    with pytest.raises(ValueError, match="width 300 does not divide into 7 heads"):
        module.FullAttention(vocabulary=9, classes=2, max_length=4, heads=7, width=300)
