import pytest
import torch
from torch.nn import functional as F

from a3b_tune.models import build
from a3b_tune.training.optimizers import build_optimizers
from a3b_tune.training.recipe import OptimizerRecipe

TOKENS = torch.tensor([[4, 5, 6], [6, 7, 0]])
LABELS = torch.tensor([0, 1])


def trained(name, steps=5, lr=0.01):
    torch.manual_seed(0)
    model = build("baseline", vocabulary=20, classes=2, max_length=3, width=8, pool="mean")
    start = model.embedding.weight.detach().clone()
    optimizers = build_optimizers(model, OptimizerRecipe(name=name, lr=lr))
    losses = []
    for _ in range(steps):
        optimizers.zero_grad()
        loss = F.cross_entropy(model(TOKENS), LABELS)
        loss.backward()
        optimizers.set_factor(1.0)
        optimizers.step()
        losses.append(loss.item())
    return model, start, losses


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "sparse_adam"])
def test_each_optimizer_lowers_the_loss(name):
    _, _, losses = trained(name, lr=0.1 if name == "sgd" else 0.01)
    assert losses[-1] < losses[0]


def test_sparse_adam_moves_only_the_rows_of_words_it_saw():
    model, start, _ = trained("sparse_adam")
    moved = (model.embedding.weight != start).any(dim=1).nonzero().flatten().tolist()
    assert set(moved) <= {4, 5, 6, 7}
    assert len(moved) == 4


def test_sparse_adam_equals_adam_where_every_row_is_seen_in_every_step():
    sparse, start, _ = trained("sparse_adam")
    dense, _, _ = trained("adam")
    rows = [4, 5, 6, 7]
    # SparseAdam adds its epsilon before the bias correction: equal to 1e-3 of a step, not exactly.
    near = {"atol": 1e-3, "rtol": 0}
    torch.testing.assert_close(sparse.embedding.weight[rows], dense.embedding.weight[rows], **near)
    torch.testing.assert_close(sparse.classify.weight, dense.classify.weight, **near)
    assert (sparse.embedding.weight[rows] - start[rows]).abs().max() > 0.01


def test_the_factor_scales_the_rate_of_every_part():
    model = build("baseline", vocabulary=20, classes=2, max_length=3)
    optimizers = build_optimizers(model, OptimizerRecipe(name="sparse_adam", lr=0.4))
    assert optimizers.set_factor(0.25) == pytest.approx(0.1)
    optimizers.zero_grad()
    before = [p.detach().clone() for p in model.parameters()]
    F.cross_entropy(model(TOKENS), LABELS).backward()
    optimizers.set_factor(0.0)
    optimizers.step()
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
