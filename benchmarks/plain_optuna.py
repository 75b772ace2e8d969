"""Seconds per trial-epoch: a3b-tune against the script that a user of Optuna would write.

    python -m benchmarks.plain_optuna                      # synth and xor, five rounds
    python -m benchmarks.plain_optuna --data-dir ~/data    # IMDb too

The script on the other side is an Optuna objective with a `DataLoader`, a collate function that
pads, a model that computes every query, Adam, `.item()` at each step, and the whole validation set
scored after each epoch, on Optuna's default SQLite storage. Both sides train the same settings for
the same epochs, one thread, turn by turn in one process; sampling, storage and validation are
counted on both sides, loading the data on neither.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import optuna
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from a3b_tune.data import Dataset
from a3b_tune.data.load import load
from a3b_tune.study import StudyFile, loads
from a3b_tune.training import Prepared
from a3b_tune.tuning.loop import EpochDone, Event, Limits, Run
from a3b_tune.tuning.opening import open_storage
from a3b_tune.tuning.studies import begin_or_go_on

Row = tuple[list[int], int]


@dataclass(frozen=True)
class Work:
    """One cell of the table."""

    data: str
    model: str
    width: int
    heads: int
    pool: str
    batch_size: int
    epochs: int
    max_length: int | None = None

    @property
    def name(self) -> str:
        return f"{self.data} {self.model} width {self.width} batch {self.batch_size}"


WORKS = [
    Work("synth", "simple_attention", 64, 1, "select", 32, 2),
    Work("synth", "full_attention", 64, 4, "select", 32, 1),
    Work("xor", "baseline", 64, 1, "mean", 32, 2),
    Work("xor", "full_attention", 64, 4, "select", 32, 1),
]
IMDB = Work("imdb", "baseline", 64, 1, "mean", 64, 1, 256)


class PlainAttention(nn.Module):
    """Self-attention as the course's students write it."""

    def __init__(self, width: int, heads: int, full: bool) -> None:
        super().__init__()
        self.heads, self.full = heads, full
        if full:
            self.keys = nn.Linear(width, width, bias=False)
            self.queries = nn.Linear(width, width, bias=False)
            self.values = nn.Linear(width, width, bias=False)
            self.unify = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        if not self.full:
            scores = torch.bmm(x, x.transpose(1, 2)).masked_fill(~mask[:, None], float("-inf"))
            return torch.bmm(F.softmax(scores, dim=2), x)
        b, t, c = x.shape
        k, q, v = (
            layer(x).view(b, t, self.heads, c // self.heads).transpose(1, 2)
            for layer in (self.keys, self.queries, self.values)
        )
        scores = q @ k.transpose(2, 3) / (c // self.heads) ** 0.5
        scores = scores.masked_fill(~mask[:, None, None], float("-inf"))
        mixed = (F.softmax(scores, dim=3) @ v).transpose(1, 2).reshape(b, t, c)
        return self.unify(mixed)


class PlainModel(nn.Module):
    """Embedding, perhaps attention, pool, linear layer."""

    def __init__(self, work: Work, vocabulary: int, classes: int) -> None:
        super().__init__()
        self.pool = work.pool
        self.embedding = nn.Embedding(vocabulary, work.width)
        full = work.model == "full_attention"
        self.attention = (
            None if work.model == "baseline" else PlainAttention(work.width, work.heads, full)
        )
        self.linear = nn.Linear(work.width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        mask = tokens != 0
        x = self.embedding(tokens)
        if self.attention is not None:
            x = self.attention(x, mask)
        if self.pool == "select":
            return self.linear(x[:, 0])
        if self.pool == "max":
            return self.linear(x.masked_fill(~mask[..., None], float("-inf")).amax(1))
        return self.linear((x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))


def collate(rows: list[Row]) -> tuple[Tensor, Tensor]:
    longest = max(len(tokens) for tokens, _ in rows)
    padded = [tokens + [0] * (longest - len(tokens)) for tokens, _ in rows]
    return torch.tensor(padded), torch.tensor([label for _, label in rows])


def plain_side(work: Work, dataset: Dataset, folder: Path) -> float:
    """Seconds per trial-epoch of the script."""
    (x_train, y_train), (x_val, y_val), (i2w, _), classes = dataset.as_course()
    cut = work.max_length
    train = [(x[:cut], y) for x, y in zip(x_train, y_train, strict=True)]
    val = [(x[:cut], y) for x, y in zip(x_val, y_val, strict=True)]
    # IMDb in random order would pad every batch to the cut; the script keeps rows of like length
    # together, as the course asks.
    shuffle = cut is None
    train_loader = DataLoader(train, work.batch_size, shuffle=shuffle, collate_fn=collate)
    val_loader = DataLoader(val, 128, collate_fn=collate)

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", 1e-3, 1e-2, log=True)
        model = PlainModel(work, len(i2w), classes)
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        accuracy = 0.0
        for epoch in range(work.epochs):
            model.train()
            losses = []
            for tokens, labels in train_loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(tokens), labels)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            model.eval()
            right = 0
            with torch.no_grad():
                for tokens, labels in val_loader:
                    right += (model(tokens).argmax(1) == labels).sum().item()
            accuracy = right / len(val)
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return accuracy

    study = optuna.create_study(
        storage=f"sqlite:///{folder}/plain.db",
        direction="maximize",
        pruner=optuna.pruners.NopPruner(),
    )
    began = time.perf_counter()
    study.optimize(objective, n_trials=1)
    return (time.perf_counter() - began) / work.epochs


def study_file(work: Work) -> StudyFile:
    width = f"width = {work.width}\npool = '{work.pool}'"
    if work.model == "full_attention":
        width += f"\nheads = {work.heads}"
    optimizer = "sparse_adam" if work.data == "imdb" else "adam"
    cut = "" if work.max_length is None else f"max_length = {work.max_length}"
    return loads(
        f"[study]\nname = 'benchmark'\npruner = 'none'\n"
        f"[data]\nname = '{work.data}'\n{cut}\n"
        f"[model]\nname = '{work.model}'\n{width}\n"
        f"[optimizer]\nname = '{optimizer}'\nlr = {{ low = 1e-3, high = 1e-2, log = true }}\n"
        f"[training]\nepochs = {work.epochs}\nbatch_size = {work.batch_size}\n",
        "benchmark",
    )


def our_side(work: Work, prepared: Prepared, folder: Path) -> float:
    """Seconds per trial-epoch of a3b-tune."""
    storage = open_storage(f"sqlite:///{folder}/ours.db", create=True)
    stored = begin_or_go_on(storage, study_file(work), prepared.dataset)
    epochs = 0

    def count(event: Event) -> None:
        nonlocal epochs
        epochs += isinstance(event, EpochDone)

    began = time.perf_counter()
    Run(stored, prepared, Limits(1, None, lambda: None), count)()
    return (time.perf_counter() - began) / epochs


def measure(work: Work, rounds: int, data_dir: Path | None) -> dict[str, object]:
    """Both sides in turn; the medians and the ratio of each round."""
    dataset = load(work.data, data_dir=data_dir)
    prepared = Prepared(dataset, torch.device("cpu"))
    prepared.cut(work.max_length)
    plain, ours = [], []
    for _ in range(rounds):
        plain.append(_in_folder(lambda folder: plain_side(work, dataset, folder)))
        ours.append(_in_folder(lambda folder: our_side(work, prepared, folder)))
    ratios = [a / b for a, b in zip(plain, ours, strict=True)]
    return {
        "work": work.name,
        "script_seconds": round(statistics.median(plain), 3),
        "a3b_tune_seconds": round(statistics.median(ours), 3),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }


def _in_folder(side: Callable[[Path], float]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return side(Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, help="where imdb.word.pkl.gz is; else no IMDb")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    works = [*WORKS, *([IMDB] if args.data_dir else [])]
    rows = []
    print(f"{'seconds per trial-epoch':48} {'script':>8} {'a3b-tune':>9} {'ratio':>6}")
    for work in works:
        row = measure(work, args.rounds, args.data_dir)
        rows.append(row)
        print(
            f"{row['work']:48} {row['script_seconds']:8} {row['a3b_tune_seconds']:9} "
            f"{row['ratio']:6}",
            flush=True,
        )
    if args.out:
        machine = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "optuna": optuna.__version__,
            "threads": 1,
            "rounds": args.rounds,
        }
        args.out.write_text(json.dumps({"about": machine, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
