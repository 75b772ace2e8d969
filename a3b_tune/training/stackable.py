"""Whether models of a kind can be trained in a stack: it is tried, on a tiny batch, in a moment.

The models that come with a3b-tune say so themselves. A person's own may hold anything: a loop over
values, dropout from a generator that all share, a setting that differs between members and is no
tensor. So two members are trained for a step together and alone, and must agree. Knows no data.
"""

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from a3b_tune.errors import InputError
from a3b_tune.models import build, reads_text
from a3b_tune.models.own import is_own, told
from a3b_tune.models.own_output import LENGTH, tiny_batch, tiny_sizes
from a3b_tune.models.registry import model_class, settings_of
from a3b_tune.training.noises import dropout_layers
from a3b_tune.training.shape import MEMBER_SETTINGS, Shape
from a3b_tune.training.stack_step import StackedModel
from a3b_tune.training.stack_tensors import StackTensors
from a3b_tune.training.word_table import BatchWords

TABLE = "embedding.weight"
# What the two differ in, where the model has it.
DIFFERENT: Mapping[str, tuple[float, float]] = {"dropout": (0.1, 0.4), "embedding_std": (0.1, 0.3)}
ROWS = 4
CLOSE: dict[str, Any] = {"rtol": 1e-3, "atol": 1e-5}
DROPS = "it has nn.Dropout, whose noise cannot be a member's own; a3b_tune.models.dropout has one"


class Unequal(Exception):
    """In a stack other numbers come out than alone; the text says which."""


def stacks(name: str) -> bool:
    """Whether models of a kind may be stacked, by what their class says; it need not say."""
    return bool(getattr(model_class(name), "stacks", True))


@cache
def obstacle(shape: Shape) -> str | None:
    """Why a person's own model, with the settings of a shape, cannot be stacked: one clause. None
    where it can."""
    settings = dict(shape.settings)
    name = str(settings["model.name"])
    if not is_own(name):
        return None
    own = {k.removeprefix("model."): v for k, v in settings.items() if k.startswith("model.")}
    del own["name"]
    sparse = settings.get("optimizer.name") == "sparse_adam"
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = _members(name, own)
        try:
            _try(models, reads_text(name), sparse=sparse)
        except Unequal as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 (a person's code)
            return DROPS if _drops(models) else told(error)
    return None


def _members(name: str, own: Mapping[str, Any]) -> list[nn.Module]:
    """Two models that differ in their weights and in all that members may differ in."""
    sizes = tiny_sizes(reads_text=reads_text(name))
    known = [key for key in settings_of(name) if f"model.{key}" in MEMBER_SETTINGS]
    found = []
    for k in range(2):
        torch.manual_seed(k)
        differs = {key: DIFFERENT[key][k] for key in known}
        try:
            found.append(build(name, **sizes, **{**own, **differs}))
        except InputError:
            # Bounds of its own: then its members differ in their weights alone.
            found.append(build(name, **sizes, **own))
    return found


def _drops(models: Sequence[nn.Module]) -> bool:
    return any(isinstance(part, nn.modules.dropout._DropoutNd) for part in models[0].modules())


def _try(models: Sequence[nn.Module], of_text: bool, *, sparse: bool) -> None:
    """One step of both together and alone. Raises Unequal, or whatever the model does."""
    model = models[0]
    for key, parameter in model.named_parameters():
        if not parameter.requires_grad:
            raise Unequal(f"its parameter {key!r} is not trained")
    tensors = StackTensors(model, 2)
    for row, member in enumerate(models):
        tensors.write(row, dict(member.named_parameters()), member)
    keys = [torch.tensor([11 + n, 31 + n], dtype=torch.int32) for n in range(len(tensors.rates))]
    tokens = torch.stack([tiny_batch(ROWS, padded=not of_text), tiny_batch(ROWS, padded=False)])
    labels = torch.arange(2 * ROWS * (LENGTH if of_text else 1)) % 3
    labels = labels.view(2, ROWS, LENGTH) if of_text else labels.view(2, ROWS)
    alone = [_alone(m, k, keys, tokens[k], labels[k]) for k, m in enumerate(models)]
    leaves = {name: p.detach().requires_grad_() for name, p in tensors.parameters.items()}
    state = leaves | tensors.constants
    read = tokens
    if sparse and TABLE in leaves:
        state, read = _gathered(state, tokens)
    stacked = StackedModel(model, torch.autocast("cpu", enabled=False))
    rates = list(tensors.rates.values())
    losses = stacked.losses(state, rates, keys, read, labels, None, None)  # (2,)
    gradients = torch.autograd.grad(losses.sum(), list(leaves.values()))
    for k, (loss, own) in enumerate(alone):
        _agree("loss", losses[k], loss)
        for name, gradient in zip(leaves, gradients, strict=True):
            _agree(f"gradient of {name}", gradient[k], own[name])
    if not of_text:
        _score(models, stacked, state, read[0], tokens[0])


def _score(
    models: Sequence[nn.Module],
    stacked: StackedModel,
    state: Mapping[str, Tensor],
    read: Tensor,
    tokens: Tensor,
) -> None:
    """Both are scored on one batch."""
    counts = torch.ones(ROWS, dtype=torch.int64)
    for model in models:
        model.eval()
    guesses = torch.stack([model(tokens).argmax(1) for model in models])
    for labels, own in zip(guesses, (0, 1), strict=True):
        right = stacked.right(state, read, labels, counts)
        if int(right[own]) != ROWS:
            raise Unequal("in a stack it guesses other classes than alone")


def _gathered(state: dict[str, Tensor], tokens: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """With sparse_adam a model reads a small table of a batch's words and tokens renamed to it."""
    words, renamed = BatchWords(state[TABLE].shape[1], tokens.device).of(tokens)
    return {**state, TABLE: state[TABLE][:, words]}, renamed


def _alone(
    model: nn.Module, row: int, keys: Sequence[Tensor], tokens: Tensor, labels: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """A member's loss and gradients when it is called as it is."""
    for layer, key in zip(dropout_layers(model).values(), keys, strict=True):
        layer.key = key[row]
    loss = cross_entropy(model(tokens).flatten(0, -2), labels.flatten())
    parameters = dict(model.named_parameters())
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    return loss, dict(zip(parameters, gradients, strict=True))


def _agree(what: str, one: Tensor, other: Tensor) -> None:
    if not torch.allclose(one, other, **CLOSE):
        far = float((one - other).detach().abs().max())
        raise Unequal(f"in a stack its {what} is another, by {far:.2g}")
