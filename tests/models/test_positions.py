"""Positions: none, learned, sinusoidal."""

import math

import pytest
import torch

from a3b_tune.models.positions import Positions, sinusoids


def test_none_changes_nothing():
    x = torch.randn(2, 3, 4)
    assert Positions("none", 3, 4)(x) is x


@pytest.mark.parametrize("name", ["learned", "sinusoidal"])
def test_each_position_gets_its_own_vector(name):
    positions = Positions(name, 8, 4)
    added = positions(torch.zeros(2, 5, 4))
    assert torch.equal(added[0], added[1])
    assert torch.equal(added[0], positions.table[:5])
    assert len({tuple(row.tolist()) for row in added[0]}) == 5


def test_only_the_learned_ones_are_learned():
    assert [name for name, _ in Positions("learned", 8, 4).named_parameters()] == ["table"]
    assert not list(Positions("sinusoidal", 8, 4).parameters())
    assert not list(Positions("none", 8, 4).parameters())


def test_sinusoids_are_those_of_the_paper():
    table = sinusoids(30, 7)
    assert table.shape == (30, 7)
    for place, channel in ((0, 0), (3, 2), (29, 6)):
        angle = place / 10_000 ** (channel / 7)
        assert table[place, channel].item() == pytest.approx(math.sin(angle), abs=1e-6)
    for place, channel in ((0, 1), (3, 3), (29, 5)):
        angle = place / 10_000 ** ((channel - 1) / 7)
        assert table[place, channel].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_a_batch_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="9 positions in a batch, but the model has 8"):
        Positions("learned", 8, 4)(torch.zeros(1, 9, 4))


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="unknown positions 'learnt'; did you mean 'learned'"):
        Positions("learnt", 8, 4)
