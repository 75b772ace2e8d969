"""Pools never read padding."""

import pytest
import torch

from a3b_tune.models.pools import check_pool, pool
from tests.models.examples import POOLS, tokens


def vectors() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(4)
    padding = tokens() == 0
    return torch.randn(*padding.shape, 3, dtype=torch.float64), padding


@pytest.mark.parametrize("name", POOLS)
def test_it_is_the_pool_of_the_real_positions(name):
    x, padding = vectors()
    for row, vector in enumerate(pool(name, x, padding)):
        real = x[row][~padding[row]]
        wanted = {"mean": real.mean(0), "max": real.max(0).values, "select": real[0]}[name]
        torch.testing.assert_close(vector, wanted)


@pytest.mark.parametrize("name", POOLS)
def test_what_stands_in_padding_changes_nothing(name):
    x, padding = vectors()
    other = x.clone()
    other[padding] = 1e9
    torch.testing.assert_close(pool(name, other, padding), pool(name, x, padding))
    other.requires_grad_()
    pool(name, other, padding).sum().backward()
    assert not other.grad[padding].any()


def test_an_unknown_pool_is_named():
    with pytest.raises(ValueError, match="unknown pool 'maxx'; did you mean 'max'"):
        check_pool("maxx")
