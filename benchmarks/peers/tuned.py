"""The tuned loop: what is left of the script when every known cost is taken out by hand.

Tensors in memory; a batch is a view of a table that is shuffled once per epoch; no mask where rows
have one length; only the query that the select pool reads; the products of tiny matrices as
multiply-and-sum; fused Adam; validation in few large batches; no number read back inside an epoch.
Of several ways to write a step the fastest stands here, with its measured time beside the others'
(milliseconds per step of one core, synth at width 64, batch 32, unless told otherwise).
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, SparseAdam

from benchmarks.peers.models import build
from benchmarks.peers.work import EPOCHS, Job, draw_lr

Batch = tuple[Tensor, Tensor]
Rows = tuple[list[list[int]], list[int]]
Model = Callable[[Tensor], Tensor]

# Validation rows in a batch. All 25 000 of synth at once do not fit into a core's cache: 69 ms, in
# batches of 2 500 they take 8 (and at width 300 37 in batches of 1 000, else 338).
VALIDATION_TOKENS = 2**14


class Table:
    """Rows of one length: shuffled as a whole, cut into views."""

    def __init__(self, rows: Rows, device: torch.device) -> None:
        self.tokens = torch.tensor(rows[0], device=device)  # (N, T)
        self.labels = torch.tensor(rows[1], device=device)

    def batches(self, size: int) -> Iterator[Batch]:
        return zip(self.tokens.split(size), self.labels.split(size), strict=True)

    def epoch(self, size: int) -> Iterator[Batch]:
        order = torch.randperm(len(self.labels)).to(self.labels.device)
        return zip(self.tokens[order].split(size), self.labels[order].split(size), strict=True)


class Padded:
    """Rows of many lengths, sorted: batches of like length, padded once, in shuffled order."""

    def __init__(self, rows: Rows, device: torch.device) -> None:
        self.rows = [torch.tensor(x) for x in rows[0]]
        self.labels = torch.tensor(rows[1], device=device)
        self.made: dict[int, list[Batch]] = {}

    def batches(self, size: int) -> list[Batch]:
        if size not in self.made:
            starts = range(0, len(self.rows), size)
            tokens = (self.rows[start : start + size] for start in starts)
            padded = [nn.utils.rnn.pad_sequence(some, batch_first=True) for some in tokens]
            on_device = [some.to(self.labels.device) for some in padded]
            self.made[size] = list(zip(on_device, self.labels.split(size), strict=True))
        return self.made[size]

    def epoch(self, size: int) -> Iterator[Batch]:
        batches = self.batches(size)
        return (batches[turn] for turn in torch.randperm(len(batches)).tolist())


def optimizers_of(model: nn.Module, sparse: bool, lr: float) -> list[torch.optim.Optimizer]:
    """Fused Adam: 0.36 ms per step, `foreach` or neither 0.44. On IMDb SparseAdam for the
    embedding: 4.1, dense fused Adam 8.0."""
    if not sparse:
        return [Adam(model.parameters(), lr, fused=True)]
    embedding = list(model.embedding.parameters())
    rest = [p for p in model.parameters() if p is not embedding[0]]
    return [SparseAdam(embedding, lr), Adam(rest, lr, fused=True)]


def train(model: Model, optimizers: list[torch.optim.Optimizer], data: Iterable[Batch]) -> float:
    """One epoch: its mean loss."""
    losses = []
    for tokens, labels in data:
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(tokens), labels)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


@torch.inference_mode()
def score(model: Model, data: Iterable[Batch], rows: int) -> float:
    right = [(model(tokens).argmax(dim=1) == labels).sum() for tokens, labels in data]
    return float(torch.stack(right).sum()) / rows


def tables(job: Job) -> tuple[Table | Padded, Table | Padded, int]:
    """Rows to train on, rows to validate on, tokens of the longest."""
    train_rows, validation_rows, _, _ = job.dataset.as_course()
    cut = job.work.max_length
    parts = [([x[:cut] for x in x_part], y) for x_part, y in (train_rows, validation_rows)]
    lengths = {len(x) for x_part, _ in parts for x in x_part}
    kind = Table if len(lengths) == 1 else Padded
    return kind(parts[0], job.device), kind(parts[1], job.device), max(lengths)


def run(job: Job) -> None:
    """Trial after trial, until `job.done` raises."""
    work, random = job.work, Random(job.seed)
    torch.manual_seed(job.seed)
    training, validation, longest = tables(job)
    vocabulary, classes = len(job.dataset.vocabulary.i2w), len(job.dataset.class_names)
    chunk = VALIDATION_TOKENS // longest
    while True:
        model = build(work, vocabulary, classes, longest).to(job.device)
        optimizers = optimizers_of(model, work.sparse, draw_lr(random))
        step = torch.compile(model) if job.compiled else model
        for _ in range(EPOCHS):
            model.train()
            train(step, optimizers, training.epoch(work.batch_size))
            model.eval()
            job.done(1, score(step, validation.batches(chunk), len(validation.labels)))
