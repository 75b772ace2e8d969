"""The linear layer for many rows: `nn.Linear` with its gradients, alone and in a stack."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from a3b_tune.models import linear as module
from a3b_tune.models.linear import MANY, Linear

INPUTS, OUTPUTS, MEMBERS = 12, 7, 3
ROWS = {"few": 5, "many": MANY // INPUTS // 4 + 1}  # in each of 4 batches


def made(seed: int, dtype: torch.dtype) -> Linear:
    torch.manual_seed(seed)
    return Linear(INPUTS, OUTPUTS).to(dtype)


def plain(layer: Linear) -> nn.Linear:
    other = nn.Linear(INPUTS, OUTPUTS).double()
    other.load_state_dict(layer.state_dict())
    return other


def rows(count: int, dtype: torch.dtype, *members: int) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randn(*members, 4, count, INPUTS, generator=generator, dtype=dtype)


def loss(y: Tensor) -> Tensor:
    return y.sin().sum() / y.shape[-2]


def close(found: Tensor, wanted: Tensor) -> None:
    error = 1e-11 if found.dtype == torch.float64 else 1e-4
    torch.testing.assert_close(found.double(), wanted, rtol=error, atol=error)


@pytest.mark.parametrize("count", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_pytorchs_layer(dtype, count):
    layer = made(0, dtype)
    x = rows(count, dtype).requires_grad_()
    exact = x.detach().double().requires_grad_()
    y, wanted = layer(x), plain(layer)(exact)
    close(y, wanted)
    other = plain(layer)
    right = torch.autograd.grad(loss(other(exact)), [exact, *other.parameters()])
    for one, two in zip(torch.autograd.grad(loss(y), [x, *layer.parameters()]), right, strict=True):
        close(one, two)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_in_a_stack_each_member_is_what_it_is_alone(dtype, outside, shared):
    members = [made(seed, dtype) for seed in range(MEMBERS)]
    weights, _ = stack_module_state(members)
    x = rows(ROWS["many"], dtype) if shared else rows(ROWS["many"], dtype, MEMBERS)

    def own(weights: dict[str, Tensor], x: Tensor) -> Tensor:
        return loss(functional_call(members[0], weights, (x,)))

    read = (0, None if shared else 0)
    if outside:
        found = grad(lambda w: vmap(own, read)(w, x).sum())(weights)
    else:
        found = vmap(grad(own), read)(weights, x)
    for k, member in enumerate(members):
        mine = (x if shared else x[k]).double()
        alone = plain(member)
        for key, wanted in zip(
            ("weight", "bias"),
            torch.autograd.grad(loss(alone(mine)), list(alone.parameters())),
            strict=True,
        ):
            close(found[key][k], wanted)


def test_few_rows_and_compiled_code_take_the_usual_way(monkeypatch):
    monkeypatch.setattr(module, "multiply", lambda *_: pytest.fail("taken by itself"))
    layer, x = made(0, torch.float32), rows(ROWS["many"], torch.float32)
    assert layer(rows(ROWS["few"], torch.float32)).shape == (4, ROWS["few"], OUTPUTS)
    assert torch.compile(layer, backend="eager")(x).shape == (4, ROWS["many"], OUTPUTS)


def test_without_onednn_it_is_the_same(monkeypatch):
    layer, x = made(0, torch.float32), rows(ROWS["many"], torch.float32)
    y = layer(x)
    monkeypatch.setattr(module, "ONEDNN", False)
    torch.testing.assert_close(layer(x), y, rtol=1e-5, atol=1e-5)
