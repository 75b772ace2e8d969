"""One optimizer for each member of a stack, its moments in the stack's own tensors.

Each member has its own rate, decay and betas, so its row is updated by a call of its own: the same
fused kernel that `torch.optim` calls, one pass over memory. On a GPU a call costs more than its
work, so there all rows are updated by the same formula written with a number per member. Knows no
model. Letters: K members.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from a3b_tune.training.recipe import OptimizerRecipe
from a3b_tune.training.stack_tensors import move_row

EPS = 1e-8  # PyTorch's default of Adam


@dataclass(frozen=True)
class Row:
    """One member's parameters, moments and count of steps, as views of the stack's."""

    parameters: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]


class MemberOptimizers:
    """Adam, AdamW or SGD over parameters (slots, …), for as many members as there are recipes."""

    def __init__(self, name: str, parameters: Sequence[Tensor]) -> None:
        self._name = name
        self._parameters = list(parameters)
        self._means = [torch.zeros_like(p) for p in parameters]
        self._squares = [torch.zeros_like(p) for p in parameters] if name != "sgd" else []
        slots = len(parameters[0])
        # The kernel reads single precision, whatever the parameters are.
        self._steps = torch.zeros(slots, dtype=torch.float32, device=parameters[0].device)
        self._rows = [self._row(slot) for slot in range(slots)]

    def _row(self, slot: int) -> Row:
        kinds = (self._parameters, self._means, self._squares)
        parameters, means, squares = ([t[slot] for t in kind] for kind in kinds)
        return Row(parameters, means, squares, [self._steps[slot]] * len(parameters))

    def tensors(self) -> list[Tensor]:
        """Everything that a step moves beside the parameters."""
        return [*self._means, *self._squares, self._steps]

    def moments(self, row: int) -> dict[str, list[Tensor]]:
        """A row's moments, by their kind a tensor for each parameter."""
        means, squares = self._rows[row].means, self._rows[row].squares
        if self._name == "sgd":
            return {"momentum_buffer": means}
        return {"exp_avg": means, "exp_avg_sq": squares}

    def write(self, row: int, moments: Mapping[str, Sequence[Tensor]], step: int) -> None:
        """Forgets what a row's last member left. The new one has taken so many steps, which have
        left it these moments; those that are not given are zero."""
        for tensor in self.tensors():
            tensor[row].zero_()
        own = self.moments(row)
        for kind, given in moments.items():
            for tensor, new in zip(own[kind], given, strict=True):
                tensor.copy_(new)
        self._steps[row] = step

    def move(self, source: int, target: int) -> None:
        """Copies a row's moments over another's."""
        move_row(self.tensors(), source, target)

    def step(
        self,
        gradients: Sequence[Tensor],
        recipes: Sequence[OptimizerRecipe],
        lrs: Sequence[float],
        steps: Sequence[int],
    ) -> None:
        """Updates the first K rows.

        :param gradients: (K, …) for each parameter.
        :param recipes: of each member.
        :param lrs: the rate of each member's step.
        :param steps: how many steps each has taken with this one.
        """
        if self._steps.is_cuda:
            rates = MemberRates(recipes, self._steps.device, gradients[0].dtype)
            rates.set(lrs, steps)
            self.step_together(gradients, rates)
            return
        self._steps[: len(recipes)] += 1
        # The kernels walk through memory: a transposed gradient would be read in the wrong order.
        own = zip(*(gradient.contiguous().unbind(0) for gradient in gradients), strict=True)
        for row, recipe, lr, mine in zip(self._rows, recipes, lrs, own, strict=False):
            step_row(self._name, row, list(mine), recipe, lr)

    def step_together(self, gradients: Sequence[Tensor], rates: "MemberRates") -> None:
        """As `step`, by operations on all members at once; nothing is asked of the device."""
        count = len(rates)
        self._steps[:count] += 1
        for index, gradient in enumerate(gradients):
            parameter, mean = self._parameters[index][:count], self._means[index][:count]
            if self._name == "sgd":
                sgd_together(parameter, gradient, mean, rates)
            else:
                square = self._squares[index][:count]
                decoupled = self._name == "adamw"
                adam_together(parameter, gradient, mean, square, rates, decoupled)


def step_row(
    name: str, row: Row, gradients: list[Tensor], recipe: OptimizerRecipe, lr: float
) -> None:
    """One member's update, by the kernels below `torch.optim` (their Python costs ten times more
    than they do here)."""
    if name == "sgd":
        torch._fused_sgd_(
            row.parameters, gradients, row.means if recipe.momentum else [],
            weight_decay=recipe.weight_decay, momentum=recipe.momentum, lr=lr, dampening=0.0,
            nesterov=False, maximize=False, is_first_step=False,
        )  # fmt: skip
        return
    kernel = torch._fused_adamw_ if name == "adamw" else torch._fused_adam_
    kernel(
        row.parameters, gradients, row.means, row.squares, [], row.steps,
        lr=lr, beta1=recipe.beta1, beta2=recipe.beta2, weight_decay=recipe.weight_decay,
        eps=EPS, amsgrad=False, maximize=False,
    )  # fmt: skip


class MemberRates:
    """What the step of each of K members is made of, as one tensor (K,) for each of its numbers:
    `lr`, `weight_decay`, `momentum`, `beta1`, `beta2`, and what corrects Adam's moments for having
    begun at zero, `first` = 1 - beta1^t and `second` = 1 - beta2^t at the member's step t."""

    def __init__(
        self, recipes: Sequence[OptimizerRecipe], device: torch.device, dtype: torch.dtype
    ) -> None:
        self._recipes = list(recipes)
        fixed = [(r.weight_decay, r.momentum, r.beta1, r.beta2) for r in recipes]
        self._fixed = torch.tensor(fixed, dtype=dtype).t().contiguous().to(device)  # (4, K)
        self._moving = torch.ones(3, len(fixed), dtype=dtype, device=device)
        self.weight_decay, self.momentum, self.beta1, self.beta2 = self._fixed
        self.lr, self.first, self.second = self._moving

    def set(self, lrs: Sequence[float], steps: Sequence[int]) -> None:
        """For the next step of the first members: their rates, and their steps with this one."""
        numbers = [
            (lr, 1.0 - r.beta1**step, 1.0 - r.beta2**step)
            for r, lr, step in zip(self._recipes, lrs, steps, strict=False)
        ]
        new = torch.tensor(numbers, dtype=self._moving.dtype).t()
        self._moving[:, : len(numbers)].copy_(new, non_blocking=True)

    def copy_(self, other: "MemberRates") -> None:
        """Takes over another's numbers, in the same places."""
        self._recipes = other._recipes
        self._fixed.copy_(other._fixed)
        self._moving.copy_(other._moving)

    def __len__(self) -> int:
        return len(self._recipes)


def adam_together(
    parameter: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    rates: MemberRates,
    decoupled: bool,
) -> None:
    """Adam (Kingma & Ba 2015) for all members, `decoupled` with the weight decay of AdamW
    (Loshchilov & Hutter 2019); every tensor (K, …)."""

    def each(numbers: Tensor) -> Tensor:
        return numbers.view(-1, *[1] * (parameter.dim() - 1))

    if decoupled:
        parameter.mul_(1.0 - each(rates.lr * rates.weight_decay))
    else:
        gradient = gradient + each(rates.weight_decay) * parameter
    mean.lerp_(gradient, 1.0 - each(rates.beta1))
    square.mul_(each(rates.beta2)).add_((1.0 - each(rates.beta2)) * gradient * gradient)
    size = square.sqrt() / each(rates.second.sqrt()) + EPS
    parameter.sub_(each(rates.lr / rates.first) * mean / size)


def sgd_together(parameter: Tensor, gradient: Tensor, mean: Tensor, rates: MemberRates) -> None:
    """Gradient descent with momentum for all members; every tensor (K, …)."""

    def each(numbers: Tensor) -> Tensor:
        return numbers.view(-1, *[1] * (parameter.dim() - 1))

    mean.mul_(each(rates.momentum)).add_(gradient + each(rates.weight_decay) * parameter)
    parameter.sub_(each(rates.lr) * mean)
