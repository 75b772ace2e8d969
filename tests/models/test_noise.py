"""Bits from a key: fair, unlike each other, and the same wherever they are asked for."""

import pytest
import torch
from torch.func import vmap

from a3b_tune.models.noise import at_least, keys, mix, stream


def test_mixing_loses_nothing():
    numbers = torch.arange(-100_000, 100_000, dtype=torch.int32)
    assert len(mix(numbers).unique()) == len(numbers)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_share_of_the_bits_is_false(share):
    key = torch.tensor(3, dtype=torch.int32)
    false = 1.0 - float(at_least(torch.tensor(share), key, 200_000).double().mean())
    assert false == pytest.approx(share, abs=0.005)


def test_neighbouring_keys_and_places_are_unlike():
    some = torch.arange(64, dtype=torch.int32)
    bits = at_least(torch.full((64,), 0.5), some, 4096).double() * 2 - 1  # (64, 4096)
    between = (bits @ bits.t() / 4096).fill_diagonal_(0.0)
    assert float(between.abs().max()) < 0.1
    for shift in (1, 2, 3, 64):
        assert abs(float((bits[:, shift:] * bits[:, :-shift]).mean())) < 0.02


def test_under_vmap_each_member_sees_what_it_sees_alone():
    shares = torch.tensor([0.2, 0.7])
    found = keys(torch.tensor([stream(1, 0), stream(2, 0)], dtype=torch.int32), torch.tensor(5))
    together = vmap(lambda share, key: at_least(share, key, 50))(shares, found.to(torch.int32))
    for k in range(2):
        assert torch.equal(together[k], at_least(shares[k], found[k].to(torch.int32), 50))
