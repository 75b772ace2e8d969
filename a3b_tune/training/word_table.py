"""The embeddings of a large vocabulary, of which a batch reads a few rows.

With 99 000 words and 3 000 of them in a batch, moving every row at every step is most of the work.
Here the rows that a batch reads are gathered into a small table, a model reads that one, and what
has moved is put back: the lazy Adam of `torch.optim.SparseAdam`, to the same numbers. Knows no
model beyond its table of embeddings. Letters: K members, B batch, T positions, V vocabulary, U
words in the batch of one member (at most), C channels.
"""

from collections.abc import Callable, Mapping, Sequence
from math import sqrt

import torch
from torch import Tensor

from a3b_tune.data import PAD
from a3b_tune.training.compiling import compiled_for_any_size
from a3b_tune.training.learner import out_of_memory
from a3b_tune.training.member_optimizers import EPS
from a3b_tune.training.recipe import OptimizerRecipe
from a3b_tune.training.stack_tensors import move_row


class BatchWords:
    """Says which words tokens hold, and renames them to places among these."""

    def __init__(self, vocabulary: int, device: torch.device) -> None:
        self._present = torch.zeros(vocabulary, dtype=torch.bool, device=device)
        self._place = torch.zeros(vocabulary, dtype=torch.int64, device=device)

    def of(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The words (U,) in tokens of any shape, padding first, and the tokens renamed."""
        present = self._present
        present[PAD] = True
        present[tokens.reshape(-1)] = True
        words = present.nonzero().squeeze(1)  # (U,)
        present[words] = False
        self._place[words] = torch.arange(len(words), device=words.device)
        return words, self._place[tokens]


class WordTables:
    """Embeddings (slots, V + 1, C) with lazy moments. The last row is nobody's: members whose batch
    has fewer words than another's point there."""

    def __init__(self, like: Tensor) -> None:
        """For as many slots, words and channels as `like` (slots, V, C) has."""
        slots, vocabulary, width = like.shape
        self._words = vocabulary + 1
        self._batch = BatchWords(vocabulary, like.device)
        parts = (like.new_zeros(slots, self._words, width) for _ in range(3))
        self._table, self._means, self._squares = parts
        self._read = torch.empty(0, dtype=torch.int64)
        self._compiled: Callable[..., None] | None = None

    @property
    def weights(self) -> Tensor:
        """(slots, V, C)."""
        return self._table[:, :-1]

    def moments(self, row: int) -> dict[str, Tensor]:
        """A member's moments (V, C), by their kind."""
        return {"exp_avg": self._means[row, :-1], "exp_avg_sq": self._squares[row, :-1]}

    def write(self, row: int, weight: Tensor, moments: Mapping[str, Tensor]) -> None:
        """A new member's embeddings (V, C), and its moments where they are not zero."""
        with torch.no_grad():
            self._table[row, :-1] = weight
            for part in (self._table[row, -1], self._means[row], self._squares[row]):
                part.zero_()
            own = self.moments(row)
            for kind, given in moments.items():
                own[kind].copy_(given)

    def move(self, source: int, target: int) -> None:
        """Copies a member's row over another's."""
        move_row((self._table, self._means, self._squares), source, target)

    def gather(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """For `tokens` (K, B, T): the rows they read, a leaf (K, U, C), and the tokens renamed to
        places among those."""
        found = [self._batch.of(own) for own in tokens]
        most = max(len(words) for words, _ in found)
        self._read = torch.full((len(found), most), self._words - 1, device=tokens.device)
        for row, (words, _) in enumerate(found):
            self._read[row, : len(words)] = words
            self._read[row] += row * self._words
        renamed = torch.stack([places for _, places in found])
        return self._rows(self._table).requires_grad_(), renamed

    def _rows(self, tensor: Tensor) -> Tensor:
        """The rows last read, copied: (K, U, C)."""
        flat = tensor.view(-1, tensor.shape[2])
        return flat.index_select(0, self._read.view(-1)).view(*self._read.shape, -1)

    def step(
        self,
        rows: Tensor,
        gradient: Tensor,
        recipes: Sequence[OptimizerRecipe],
        lrs: Sequence[float],
        steps: Sequence[int],
    ) -> None:
        """Moves the rows that were gathered last by their gradient (K, U, C); `steps` the members
        have taken with this one."""
        if self._compiled is not None:
            self._step_compiled(gradient, recipes, lrs, steps)
            return
        gradient = gradient.contiguous()
        moments = [self._rows(self._means), self._rows(self._squares)]
        before = [part.clone() for part in moments]
        moved = torch.zeros_like(rows, requires_grad=False)
        for row, (recipe, lr, step) in enumerate(zip(recipes, lrs, steps, strict=True)):
            # SparseAdam adds its eps before the bias is corrected, the fused kernel after.
            eps = EPS / sqrt(1.0 - recipe.beta2**step)
            torch._fused_adam_(
                [moved[row]], [gradient[row]], [moments[0][row]], [moments[1][row]], [],
                [torch.tensor(step, dtype=torch.float32, device=rows.device)],
                lr=lr, beta1=recipe.beta1, beta2=recipe.beta2, weight_decay=0.0,
                eps=eps, amsgrad=False, maximize=False,
            )  # fmt: skip
        self._add(self._table, moved)
        for table, new, old in zip((self._means, self._squares), moments, before, strict=True):
            self._add(table, new.sub_(old))

    def compile(self) -> None:
        """From now on a step goes over the rows once, instead of once for each operation."""
        self._compiled = compiled_for_any_size(move_rows)

    def _step_compiled(
        self,
        gradient: Tensor,
        recipes: Sequence[OptimizerRecipe],
        lrs: Sequence[float],
        steps: Sequence[int],
    ) -> None:
        numbers = [
            (lr * sqrt(1.0 - r.beta2**step) / (1.0 - r.beta1**step), 1.0 - r.beta1, 1.0 - r.beta2)
            for r, lr, step in zip(recipes, lrs, steps, strict=True)
        ]
        each = torch.tensor(numbers, dtype=gradient.dtype, device=gradient.device)
        table, means, squares = (
            tensor.view(-1, tensor.shape[2]) for tensor in (self._table, self._means, self._squares)
        )
        inputs = (table, means, squares, self._read, gradient.detach(), each.t().contiguous())
        assert self._compiled is not None
        try:
            self._compiled(*inputs)
        except RuntimeError as error:
            if out_of_memory(error):
                raise
            # Whatever the compiler cannot do is done without it.
            self._compiled = None
            move_rows(*inputs)

    def _add(self, table: Tensor, changes: Tensor) -> None:
        """Adds changes (K, U, C) to the rows last read: half the time of writing the rows back."""
        flat = table.view(-1, table.shape[2])
        flat.index_add_(0, self._read.view(-1), changes.view(-1, changes.shape[2]))


def move_rows(
    table: Tensor, means: Tensor, squares: Tensor, read: Tensor, gradient: Tensor, rates: Tensor
) -> None:
    """Lazy Adam, as `torch.optim.SparseAdam` writes it, of some rows of a table (rows, C).

    :param read: (K, U) which rows.
    :param gradient: (K, U, C).
    :param rates: (3, K) the size of each member's step, 1 - beta1 and 1 - beta2.
    """
    size, one, two = (numbers.view(-1, 1, 1) for numbers in rates)
    mean = torch.lerp(means[read], gradient, one)
    square = torch.lerp(squares[read], gradient * gradient, two)
    moved = table[read] - size * mean / (square.sqrt() + EPS)
    means.index_put_((read,), mean)
    squares.index_put_((read,), square)
    table.index_put_((read,), moved)
