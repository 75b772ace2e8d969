"""Look-up and pool in one go: the numbers and gradients of doing one after the other."""

import pytest
import torch
from torch import nn

from a3b_tune.models.bag import bag
from a3b_tune.models.pools import pool
from tests.models.examples import POOLS, VOCABULARY, tokens

WIDTHS = (4, 30)  # below and above the numbers of positions
LENGTHS = (1, 6, 20)


def table(width: int, *, sparse: bool) -> nn.Embedding:
    torch.manual_seed(2)
    return nn.Embedding(VOCABULARY, width, sparse=sparse, dtype=torch.float64)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_equals_gather_and_pool(width, length, name, sparse):
    read = tokens(7, length)
    one, other = table(width, sparse=sparse), table(width, sparse=False)
    pooled, wanted = bag(name, one, read), pool(name, other(read), read == 0)
    torch.testing.assert_close(pooled, wanted, rtol=0, atol=1e-12)
    pooled.sin().sum().backward()
    wanted.sin().sum().backward()
    torch.testing.assert_close(one.weight.grad.to_dense(), other.weight.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_sparse_table_has_a_sparse_gradient_by_rows(width, length, name):
    layer = table(width, sparse=True)
    bag(name, layer, tokens(7, length)).sum().backward()
    assert layer.weight.grad.is_sparse
    assert layer.weight.grad.sparse_dim() == 1
    torch.optim.SparseAdam(layer.parameters()).step()


@pytest.mark.parametrize("name", POOLS)
def test_a_row_that_no_token_reads_gets_no_gradient(name):
    layer = table(4, sparse=True)
    read = tokens(7, 20)
    read[read == 3] = 4
    bag(name, layer, read).sum().backward()
    gradient = layer.weight.grad.to_dense()
    assert not gradient[3].any()
    assert not gradient[0].any()  # padding


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", POOLS)
def test_padding_changes_nothing(name, sparse):
    layer = table(4, sparse=sparse)
    bare = torch.tensor([[5, 7, 5]])
    padded = torch.tensor([[5, 7, 5, *[0] * 9]])
    torch.testing.assert_close(bag(name, layer, padded), bag(name, layer, bare))
