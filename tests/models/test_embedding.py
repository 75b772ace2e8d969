import pytest
import torch

from a3b_tune.models import build
from a3b_tune.models.embedding import token_embedding

SIZES = {"vocabulary": 2000, "classes": 2, "max_length": 16}


@pytest.mark.parametrize("std", [0.02, 1.0])
def test_the_table_starts_with_the_std_asked_for(std):
    torch.manual_seed(0)
    weight = token_embedding(2000, 32, std).weight
    assert float(weight.detach().std()) == pytest.approx(std, rel=0.02)


def test_a_std_below_zero_is_refused():
    with pytest.raises(ValueError, match=r"embedding_std -1"):
        token_embedding(4, 4, -1.0)


@pytest.mark.parametrize("name", ["baseline", "simple_attention", "full_attention", "transformer"])
def test_every_model_takes_it_and_positions_start_alike(name):
    positions = {} if name == "baseline" else {"positions": "learned"}
    torch.manual_seed(0)
    model = build(name, **SIZES, embedding_std=0.05, **positions)
    assert float(model.embedding.weight.detach().std()) == pytest.approx(0.05, rel=0.02)
    if positions:
        assert float(model.positions.table.detach().std()) == pytest.approx(0.05, rel=0.2)
