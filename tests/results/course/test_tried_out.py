"""What is tried out while the report is made: the measurements are right, and could fail."""

import random

import pytest
import torch

from a3b_tune.data import Rows
from a3b_tune.data.vocabulary import PAD
from a3b_tune.results.course import attending, padding, slicing


@pytest.fixture(scope="module")
def rows():
    draws = random.Random(0)
    x = [[draws.randint(1, 9) for _ in range(draws.randint(1, 40))] for _ in range(200)]
    return Rows.from_lists(x, [len(row) % 2 for row in x])


def test_the_share_of_padding_is_that_of_the_batches(rows):
    by_name = {each.name: each for each in padding.strategies(rows)}
    sorted_lengths = sorted(rows.lengths.tolist())
    cut = [sorted_lengths[at : at + padding.SIZE] for at in range(0, 200, padding.SIZE)]
    positions = sum(max(some) * len(some) for some in cut)
    found = by_name["sorted by length"]
    assert (found.batches, found.positions) == (len(cut), positions)
    assert found.share == pytest.approx(1 - rows.total / positions)
    assert by_name["random order"].share > found.share
    for each in by_name.values():
        assert each.positions * (1 - each.share) == pytest.approx(rows.total)


def test_sentences_are_rows_of_unequal_length_without_padding_in_them():
    found = padding.sentences()
    assert int(found.tokens.min()) > PAD
    assert found.longest > int(found.lengths[0])


def test_a_batch_is_what_pytorch_pads_and_padding_is_not_read(rows):
    found = padding.conversion(rows)
    assert found.unlike == 0 < found.padding
    assert set(found.changes) == set(padding.NAMES)
    assert max(found.changes.values()) < 1e-9


def test_a_model_that_reads_padding_is_found_out(rows, monkeypatch):
    class Reads(torch.nn.Module):
        def forward(self, tokens):
            return tokens.double().mean(1, keepdim=True)

    monkeypatch.setattr(padding, "build", lambda *name, **settings: Reads())
    assert min(padding.conversion(rows).changes.values()) > 1e-3


def test_attention_is_its_definition_and_pytorchs():
    found = attending.simple()
    assert max(found.loop, found.sums, found.order, attending.heads()) < 1e-12


def test_products_spread_by_the_root_of_their_length_unless_scaled():
    for each in attending.spreads():
        assert each.plain == pytest.approx(each.length**0.5, rel=0.05)
        assert each.scaled == pytest.approx(1.0, rel=0.05)
        assert each.plain_weight > each.scaled_weight


def test_masked_outputs_see_nothing_later_and_unmasked_ones_do():
    found = attending.masking()
    assert found.later == found.changed == 0
    assert found.later_single < 1e-30 < 1e-3 < min(found.unmasked, found.own)
    assert max(found.pytorch, found.written) < 1e-6


def test_windows_are_those_of_the_loop(monkeypatch):
    monkeypatch.setattr(slicing, "SECONDS", 0.001)
    found = slicing.slicing()
    assert found.unlike == found.shifted == 0
    assert min(found.at_once, found.loop) > 0
