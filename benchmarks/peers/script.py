"""The user's script: Optuna, a DataLoader that pads each batch, `.item()` at each step.

Written the way courses and tutorials write it. Storage is Optuna's default, in memory.
"""

import optuna
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from benchmarks.peers.work import EPOCHS, LR, Job, Work

Row = tuple[list[int], int]


class SimpleAttention(nn.Module):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        scores = torch.bmm(x, x.transpose(1, 2))  # (B, T, T)
        weights = F.softmax(scores.masked_fill(~mask[:, None], float("-inf")), dim=2)
        return torch.bmm(weights, x)


class FullAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.keys = nn.Linear(width, width, bias=False)
        self.queries = nn.Linear(width, width, bias=False)
        self.values = nn.Linear(width, width, bias=False)
        self.unify = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        b, t, c = x.shape
        h, d = self.heads, c // self.heads
        k = self.keys(x).view(b, t, h, d).transpose(1, 2)
        q = self.queries(x).view(b, t, h, d).transpose(1, 2)
        v = self.values(x).view(b, t, h, d).transpose(1, 2)
        scores = q @ k.transpose(2, 3) / d**0.5  # (B, H, T, T)
        weights = F.softmax(scores.masked_fill(~mask[:, None, None], float("-inf")), dim=3)
        return self.unify((weights @ v).transpose(1, 2).reshape(b, t, c))


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.norm(self.layer(x, src_key_padding_mask=~mask))


class Model(nn.Module):
    def __init__(self, work: Work, vocabulary: int, classes: int, longest: int) -> None:
        super().__init__()
        self.pool = work.pool
        self.embedding = nn.Embedding(vocabulary, work.width, sparse=work.sparse)
        self.positions: nn.Embedding | None = None
        self.attention: nn.Module | None = None
        if work.model == "simple_attention":
            nn.init.normal_(self.embedding.weight, std=work.width**-0.5)  # or it does not learn
            self.attention = SimpleAttention()
        elif work.model == "full_attention":
            self.attention = FullAttention(work.width, work.heads)
        elif work.model == "transformer":
            self.positions = nn.Embedding(longest, work.width)
            self.attention = Block(work.width, work.heads)
        self.linear = nn.Linear(work.width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        mask = tokens != 0
        x = self.embedding(tokens)  # (B, T, C)
        if self.positions is not None:
            x = x + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        if self.attention is not None:
            x = self.attention(x, mask)
        if self.pool == "select":
            return self.linear(x[:, 0])
        return self.linear((x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))


def collate(rows: list[Row]) -> tuple[Tensor, Tensor]:
    longest = max(len(tokens) for tokens, _ in rows)
    padded = [tokens + [0] * (longest - len(tokens)) for tokens, _ in rows]
    return torch.tensor(padded), torch.tensor([label for _, label in rows])


def optimizers_of(model: Model, sparse: bool, lr: float) -> list[torch.optim.Optimizer]:
    if not sparse:
        return [torch.optim.Adam(model.parameters(), lr=lr)]
    return [
        torch.optim.SparseAdam(model.embedding.parameters(), lr=lr),
        torch.optim.Adam(model.linear.parameters(), lr=lr),
    ]


def run(job: Job) -> None:
    """Trial after trial, until `job.done` raises."""
    work, device = job.work, job.device
    (x_train, y_train), (x_val, y_val), (i2w, _), classes = job.dataset.as_course()
    cut = work.max_length
    train = [(x[:cut], y) for x, y in zip(x_train, y_train, strict=True)]
    val = [(x[:cut], y) for x, y in zip(x_val, y_val, strict=True)]
    longest = max(len(x) for x, _ in train + val)
    # Rows of many lengths stay sorted, or every batch would be padded to the longest.
    shuffle = len(train[0][0]) == len(train[-1][0])
    train_loader = DataLoader(train, work.batch_size, shuffle=shuffle, collate_fn=collate)
    val_loader = DataLoader(val, 256, collate_fn=collate)

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", *LR, log=True)
        model = Model(work, len(i2w), classes, longest).to(device)
        optimizers = optimizers_of(model, work.sparse, lr)
        accuracy = 0.0
        for epoch in range(EPOCHS):
            model.train()
            total = 0.0
            for tokens, labels in train_loader:
                tokens, labels = tokens.to(device), labels.to(device)
                for optimizer in optimizers:
                    optimizer.zero_grad()
                loss = F.cross_entropy(model(tokens), labels)
                loss.backward()
                for optimizer in optimizers:
                    optimizer.step()
                total += loss.item()
            trial.set_user_attr("loss", total / len(train_loader))
            model.eval()
            right = 0
            with torch.no_grad():
                for tokens, labels in val_loader:
                    predicted = model(tokens.to(device)).argmax(dim=1)
                    right += (predicted == labels.to(device)).sum().item()
            accuracy = right / len(val)
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
            job.done(1, accuracy)
        return accuracy

    torch.manual_seed(job.seed)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=job.seed),
        pruner=optuna.pruners.NopPruner(),
    )
    study.optimize(objective)
