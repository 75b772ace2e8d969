"""From a recipe to PyTorch optimizers, fused where the build has them.

Knows a model only as a module that may have an `embedding`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from a3b_tune.training.recipe import OptimizerRecipe

Moments = Mapping[str, Mapping[str, Tensor]]
"""What an optimizer remembers of past gradients: by PyTorch's name for the kind, then by the
parameter's name, a tensor of the parameter's shape."""


def trained_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that training moves, by name: all but frozen ones."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def moment_kinds(recipe: OptimizerRecipe) -> tuple[str, ...]:
    """The kinds of moments that a recipe's optimizer has."""
    if recipe.name == "sgd":
        return ("momentum_buffer",) if recipe.momentum else ()
    return ("exp_avg", "exp_avg_sq")


class Optimizers:
    """One optimizer, or two where the embedding has sparse gradients, moved as one."""

    def __init__(self, parts: list[Optimizer], lr: float) -> None:
        self._parts = parts
        self._lr = lr

    def set_factor(self, factor: float) -> float:
        """Sets the rate of the next step to `factor` times the recipe's and returns it."""
        rate = self._lr * factor
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = rate
        return rate

    def zero_grad(self) -> None:
        for part in self._parts:
            part.zero_grad(set_to_none=True)

    def step(self) -> None:
        for part in self._parts:
            part.step()

    def moments(self, model: nn.Module, recipe: OptimizerRecipe) -> Moments:
        """The moments of a model's parameters, zeros before the first step."""
        states = {p: state for part in self._parts for p, state in part.state.items()}

        def moment(parameter: Tensor, kind: str) -> Tensor:
            state: dict[str, Tensor] = states.get(parameter, {})
            return state[kind] if kind in state else torch.zeros_like(parameter)

        return {
            kind: {name: moment(p, kind) for name, p in trained_parameters(model).items()}
            for kind in moment_kinds(recipe)
        }

    def restore(self, model: nn.Module, moments: Moments, step: int) -> None:
        """Goes on from moments that so many steps have left."""
        names = {p: name for name, p in trained_parameters(model).items()}
        for part in self._parts:
            for p in (p for group in part.param_groups for p in group["params"]):
                part.state[p] = _counted(part, p, step) | {
                    kind: torch.empty_like(p, requires_grad=False).copy_(own[names[p]])
                    for kind, own in moments.items()
                }


def _counted(part: Optimizer, parameter: Tensor, step: int) -> dict[str, int | Tensor]:
    """A parameter's count of steps, as the kind of optimizer keeps it."""
    if isinstance(part, torch.optim.SGD):
        return {}
    if isinstance(part, torch.optim.SparseAdam):
        return {"step": step}
    return {"step": torch.tensor(float(step), dtype=torch.float32, device=parameter.device)}


def build_optimizers(model: nn.Module, recipe: OptimizerRecipe) -> Optimizers:
    """The optimizers of a recipe.

    `sparse_adam` updates only the embedding rows that a batch reads (lazy moments, no weight decay
    on them) and everything else by Adam: with 99 000 words and a few thousand in a batch that is
    most of a step saved.
    """
    betas = (recipe.beta1, recipe.beta2)
    decay, parameters = recipe.weight_decay, list(trained_parameters(model).values())
    if recipe.name == "sgd":
        sgd = torch.optim.SGD(
            parameters, recipe.lr, recipe.momentum, weight_decay=decay, fused=True
        )
        return Optimizers([sgd], recipe.lr)
    if recipe.name == "adamw":
        adamw = torch.optim.AdamW(parameters, recipe.lr, betas, weight_decay=decay, fused=True)
        return Optimizers([adamw], recipe.lr)
    if recipe.name == "sparse_adam":
        return Optimizers(_sparse_parts(model, recipe), recipe.lr)
    adam = torch.optim.Adam(parameters, recipe.lr, betas, weight_decay=decay, fused=True)
    return Optimizers([adam], recipe.lr)


def _sparse_parts(model: nn.Module, recipe: OptimizerRecipe) -> list[Optimizer]:
    embedding = model.get_submodule("embedding")
    assert isinstance(embedding, nn.Embedding)
    embedding.sparse = True
    rest = [p for p in trained_parameters(model).values() if p is not embedding.weight]
    betas = (recipe.beta1, recipe.beta2)
    return [
        torch.optim.SparseAdam([embedding.weight], recipe.lr, betas),
        torch.optim.Adam(rest, recipe.lr, betas, weight_decay=recipe.weight_decay, fused=True),
    ]
