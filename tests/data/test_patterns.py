"""Rows that are copies of a few."""

import torch

from a3b_tune.data import Batches, Rows
from a3b_tune.data.load import load


def test_the_shares_of_the_few_rows_are_what_is_in_each_batch():
    batches = Batches(load("xor").train, size=64)
    patterns = batches.patterns
    assert len(patterns.tokens) == 4
    orders = torch.stack([batches.order(torch.Generator().manual_seed(k)) for k in range(3)])
    steps = zip(batches.places(orders), batches.stacked(orders), strict=True)
    for places, (tokens, labels) in list(steps)[-40:]:
        shares = patterns.shares(places)  # (K, D)
        for row, label, share in zip(patterns.tokens, patterns.labels, shares.t(), strict=True):
            same = (tokens == row).all(2) & (labels == label)  # (K, B)
            torch.testing.assert_close(share, same.float().mean(1))


def test_rows_that_are_many_or_of_unequal_length_have_none():
    assert Batches(load("synth").train, size=64).patterns is None
    assert Batches(load("xor").train, size=4).patterns is None
    ragged = Rows.from_lists([[1], [1, 2], [1], [1, 2]] * 10, [0, 1] * 20)
    assert Batches(ragged, size=20).patterns is None
