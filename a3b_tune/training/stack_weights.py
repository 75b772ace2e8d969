"""Everything of a stack that training moves: weights and moments, a row for each slot.

Knows which rows a batch of a large vocabulary reads, but no data and no model. Letters: K members
(the first rows), B batch, T positions, U words in a batch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from a3b_tune.training.member_optimizers import MemberOptimizers, MemberRates
from a3b_tune.training.optimizers import Moments, moment_kinds
from a3b_tune.training.recipe import OptimizerRecipe
from a3b_tune.training.stack_tensors import StackTensors
from a3b_tune.training.word_table import WordTables

TABLE = "embedding.weight"


class StackWeights:
    """`optimizer` names the one that moves them; with `sparse_adam` the embeddings are kept apart
    and only the rows that a batch reads are moved."""

    def __init__(self, model: nn.Module, optimizer: str, slots: int) -> None:
        self._tensors = StackTensors(model, slots)
        self._words: WordTables | None = None
        if optimizer == "sparse_adam":
            table = self._tensors.parameters.pop(TABLE)
            self._words = WordTables(table)
        self._optimizers = MemberOptimizers(
            "adam" if self._words else optimizer, list(self._tensors.parameters.values())
        )
        self._names = list(self._tensors.parameters)

    @property
    def dtype(self) -> torch.dtype:
        return next(iter(self._tensors.parameters.values())).dtype

    def write(self, row: int, model: nn.Module, moments: Moments, step: int) -> None:
        """A new member: a model's weights, and what so many steps have left of moments."""
        parameters = dict(model.named_parameters())
        rest = {kind: dict(part) for kind, part in moments.items()}
        if self._words is not None:
            table = {kind: part.pop(TABLE) for kind, part in rest.items()}
            self._words.write(row, parameters.pop(TABLE).detach(), table)
        self._tensors.write(row, parameters, model)
        own = {kind: [part[name] for name in self._names] for kind, part in rest.items()}
        self._optimizers.write(row, own, step)

    def weights(self, row: int) -> dict[str, Tensor]:
        """A member's weights by name."""
        return {name: weight[row] for name, weight in self.values(row + 1).items()}

    def lend(self, row: int, model: nn.Module) -> None:
        """Copies a member's weights and constants into a model."""
        own = self.weights(row)
        own |= {name: tensor[row] for name, tensor in self._tensors.constants.items()}
        with torch.no_grad():
            for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
                if name in own:
                    tensor.copy_(own[name])

    def moments(self, row: int, recipe: OptimizerRecipe) -> Moments:
        """A member's moments: views, which the next step moves."""
        own = self._optimizers.moments(row)
        words = {} if self._words is None else self._words.moments(row)
        found: dict[str, dict[str, Tensor]] = {}
        for kind in moment_kinds(recipe):
            found[kind] = dict(zip(self._names, own[kind], strict=True))
            if words:
                found[kind][TABLE] = words[kind]
        return found

    def move(self, source: int, target: int) -> None:
        """Copies a row over another one."""
        for part in (self._tensors, self._optimizers, self._words):
            if part is not None:
                part.move(source, target)

    def constants(self, count: int) -> dict[str, Tensor]:
        """What `count` members read and nothing moves, (K, …)."""
        return {name: tensor[:count] for name, tensor in self._tensors.constants.items()}

    def rates(self, count: int) -> list[Tensor]:
        """(K,) for each dropout layer."""
        return [rate[:count] for rate in self._tensors.rates.values()]

    def compile(self) -> None:
        """Where embeddings are gathered: moves them by compiled code from now on."""
        if self._words is not None:
            self._words.compile()

    def leaves(self, count: int, tokens: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The weights of `count` members as leaves (K, …) for gradients, and tokens (K, B, T) that
        fit them: with few of many words gathered, these are renamed."""
        found = self._views(count)
        if self._words is not None:
            found[TABLE], tokens = self._words.gather(tokens)
        return {name: leaf.requires_grad_() for name, leaf in found.items()}, tokens

    def values(self, count: int) -> dict[str, Tensor]:
        """The weights of `count` members to read, (K, …)."""
        found = self._views(count)
        if self._words is not None:
            found[TABLE] = self._words.weights[:count]
        return found

    def _views(self, count: int) -> dict[str, Tensor]:
        return {name: p[:count].detach() for name, p in self._tensors.parameters.items()}

    def copies(self) -> list[Tensor]:
        """All that a step moves, as it is now. Not of embeddings that are gathered."""
        return [tensor.clone() for tensor in self._moving()]

    def restore(self, copies: Sequence[Tensor]) -> None:
        """Puts it back to where it was."""
        for tensor, copy in zip(self._moving(), copies, strict=True):
            tensor.copy_(copy)

    def _moving(self) -> list[Tensor]:
        return [*self._tensors.parameters.values(), *self._optimizers.tensors()]

    def step_together(self, gradients: dict[str, Tensor], rates: MemberRates) -> None:
        """As `step`, by operations on all members at once; not where embeddings are gathered."""
        self._optimizers.step_together([gradients[name] for name in self._names], rates)

    def step(
        self,
        leaves: dict[str, Tensor],
        gradients: Sequence[Tensor],
        recipes: Sequence[OptimizerRecipe],
        lrs: Sequence[float],
        steps: Sequence[int],
    ) -> None:
        """One step of every member, by the gradients (K, …) of `leaves`; `steps` they have taken
        with this one."""
        found = dict(zip(leaves, gradients, strict=True))
        if self._words is not None:
            self._words.step(leaves[TABLE], found.pop(TABLE), recipes, lrs, steps)
        rest = [found[name] for name in self._names]
        self._optimizers.step(rest, recipes, lrs, steps)
