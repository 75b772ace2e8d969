"""Tried out: rows of unequal length as padded batches, and what sorting by length saves.

Knows no question. Letters: N rows, B batch, T positions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from a3b_tune.data import Batches, Rows, toy
from a3b_tune.data.vocabulary import PAD
from a3b_tune.models import build

SIZE = 32
"""Rows in a batch."""
SEED = 0
CHARACTERS = 100_000
# As many more positions are padded where a model must not notice it.
MORE = 7
LABELS = 2
NAMES = ("baseline", "simple_attention", "full_attention", "transformer")


@dataclass(frozen=True)
class Conversion:
    """What came of making tensors of rows: how many rows, by how many tokens the padded batches
    differ from PyTorch's `pad_sequence`, how many places are padding, and by how much at most a
    model's outputs change with more padding, by the model's name."""

    rows: int
    shape: tuple[int, int]
    unlike: int
    padding: int
    changes: dict[str, float]


@dataclass(frozen=True)
class Strategy:
    """One way to cut rows into batches: how many batches, positions in them all, and of these the
    `share` that is padding."""

    name: str
    batches: int
    positions: int
    share: float


def sentences() -> Rows:
    """The sentences of the toy text as rows of words; the first index is that of padding."""
    text = toy.generate(CHARACTERS, SEED)
    found = [sentence.split() for sentence in text.split(toy.END) if sentence]
    words = sorted({word for sentence in found for word in sentence})
    index = {word: at for at, word in enumerate(words, PAD + 1)}
    x = [[index[word] for word in sentence] for sentence in found]
    return Rows.from_lists(x, [len(row) % LABELS for row in x])


def conversion(rows: Rows) -> Conversion:
    """One batch of rows from short to long as a tensor; the very longest are left out."""
    some = rows.take(torch.arange(SIZE) * (len(rows) * 3 // 4 // SIZE))
    ((tokens, _, _),) = Batches(some, size=SIZE).in_order(SIZE)
    lists, _ = some.to_lists()
    loop = pad_sequence([torch.tensor(row) for row in lists], batch_first=True, padding_value=PAD)
    return Conversion(
        len(rows),
        (tokens.shape[0], tokens.shape[1]),
        int((tokens != loop).sum()),
        int((tokens == PAD).sum()),
        {name: _change(name, tokens) for name in NAMES},
    )


def _change(name: str, tokens: Tensor) -> float:
    """By how much a model's outputs differ at most when more padding follows."""
    torch.manual_seed(SEED)
    longest = tokens.shape[1] + MORE
    vocabulary = int(tokens.max()) + 1
    model = build(name, vocabulary=vocabulary, classes=LABELS, max_length=longest).double().eval()
    more = torch.nn.functional.pad(tokens, (0, MORE), value=PAD)
    with torch.inference_mode():
        return float((model(more) - model(tokens)).abs().max())


def strategies(rows: Rows) -> list[Strategy]:
    """Random order, sorted by length, and sorted with a budget of tokens."""
    generator = torch.Generator().manual_seed(SEED)
    shuffled = rows.lengths[torch.randperm(len(rows), generator=generator)]
    longest = [int(some.max()) * len(some) for some in torch.split(shuffled, SIZE)]
    budget = SIZE * rows.total // len(rows)
    return [
        Strategy("random order", len(longest), sum(longest), 1 - rows.total / sum(longest)),
        _counted("sorted by length", Batches(rows, size=SIZE).epoch(generator)),
        _counted(
            "sorted, with a budget of tokens",
            Batches(rows, tokens=max(budget, rows.longest)).epoch(generator),
        ),
    ]


def _counted(name: str, batches: Iterable[Sequence[Tensor]]) -> Strategy:
    """Counted in the very tensors that a model would be given."""
    sizes = [(tokens.numel(), int((tokens == PAD).sum())) for tokens, _ in batches]
    positions = sum(size for size, _ in sizes)
    return Strategy(name, len(sizes), positions, sum(pads for _, pads in sizes) / positions)
