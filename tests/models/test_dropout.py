"""Dropout with its rate in a buffer."""

import pytest
import torch
from torch.func import functional_call, stack_module_state, vmap

from a3b_tune.models.dropout import Dropout


def test_it_drops_its_share_and_keeps_the_mean():
    torch.manual_seed(0)
    y = Dropout(0.3)(torch.ones(100_000))
    assert (y == 0).double().mean() == pytest.approx(0.3, abs=0.01)
    assert y.mean() == pytest.approx(1.0, abs=0.01)
    assert y.max() == pytest.approx(1 / 0.7)


def test_outside_training_and_at_rate_0_it_is_nothing():
    x = torch.randn(5)
    assert Dropout(0.3).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_members_of_a_stack_have_their_own_rates():
    members = [Dropout(0.1), Dropout(0.6)]
    state = stack_module_state(members)
    run = vmap(
        lambda *of: functional_call(members[0], of, (torch.ones(50_000),)), randomness="different"
    )
    dropped = (run(*state) == 0).double().mean(1)
    assert dropped.tolist() == pytest.approx([0.1, 0.6], abs=0.01)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match=f"dropout {rate} is not in"):
        Dropout(rate)
