"""How good is the encoder on IMDb's test reviews, against the recipe that was published?

    python -m benchmarks.encoder --data-dir ~/data --out benchmarks/results/encoder.json

Both are trained on all 25 000 training reviews with random embeddings and scored after each epoch
on the 25 000 of the test. Ours is the plain learner with settings of `studies/encoder.toml`. The
peer is a user's own loop around `nn.TransformerEncoder` as the public run had it: Adam at 1e-4 over
all 50 000 words, clipping at 0.5, dropout 0.5, nothing else. The published figure, with GloVe and
50 epochs, is 0.817 at best.
"""

import argparse
import json
import math
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from a3b_tune.data import Batches, Dataset, imdb
from a3b_tune.models.positions import sinusoids
from a3b_tune.training import PlainLearner, Prepared, recipe_from

PUBLISHED = 0.817
VOCABULARY, LENGTH, BATCH = 50_000, 256, 32
SIZES = {"model.depth": 1, "model.heads": 4, "model.head_width": 16, "model.feed_forward": 128}
OURS: dict[str, Any] = {
    **SIZES,
    "model.name": "encoder",
    "model.dropout": 0.3,
    "model.attention_dropout": 0.0,
    "model.embedding_std": 0.01,
    "optimizer.name": "sparse_adam",
    "optimizer.lr": 2e-3,
    "training.batch_size": BATCH,
    "training.warmup": 0.1,
    "training.schedule": "linear",
    "training.clip": 0.5,
    "training.word_dropout": 0.3,
    "training.label_smoothing": 0.1,
    "data.max_length": LENGTH,
}


class Peer(nn.Module):
    """The model as a user writes it."""

    sines: Tensor

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.register_buffer("sines", sinusoids(LENGTH, width))
        self.dropout = nn.Dropout(0.5)
        layer = nn.TransformerEncoderLayer(width, 4, 128, dropout=0.5, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.classify = nn.Linear(width, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        real = (tokens != 0).unsqueeze(2)
        x = self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim)
        x = self.dropout(x + self.sines[: tokens.shape[1]])
        x = self.encoder(x, src_key_padding_mask=tokens == 0) * real
        logits: Tensor = self.classify(x.sum(1) / real.sum(1))
        return logits


def ours(data: Dataset, epochs: int, seed: int) -> Iterator[tuple[float, float]]:
    recipe = recipe_from({**OURS, "training.epochs": epochs}, seed)
    began = time.perf_counter()
    for epoch in PlainLearner(recipe, Prepared(data, torch.device("cpu"))).epochs():
        yield epoch.value, time.perf_counter() - began


def peer(data: Dataset, epochs: int, seed: int) -> Iterator[tuple[float, float]]:
    torch.manual_seed(seed)
    model = Peer()
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    batches = Batches(data.train.cut(LENGTH), size=BATCH)
    test = Batches(data.validation.cut(LENGTH), size=64)
    order = torch.Generator().manual_seed(seed)
    began = time.perf_counter()
    for _ in range(epochs):
        for tokens, labels in batches.epoch(order):
            optimizer.zero_grad()
            cross_entropy(model(tokens), labels).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum(int((model(t).argmax(1) == y).sum()) for t, y, _ in test.in_order(64))
        model.train()
        yield right / len(data.validation), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = imdb.load(asked.data_dir, final=True).first_words(VOCABULARY)
    found = []
    for seed in range(asked.seeds):
        for name, way in (("a3b-tune", ours), ("published recipe", peer)):
            for epoch, (accuracy, seconds) in enumerate(way(data, asked.epochs, seed), 1):
                found.append({"way": name, "seed": seed, "epoch": epoch, "test": accuracy})
                print(f"{name:17} seed {seed} epoch {epoch}: {accuracy:.4f}, {seconds:.0f} s")
    about = {"torch": torch.__version__, "machine": platform.processor(), "published": PUBLISHED}
    if asked.out:
        asked.out.write_text(json.dumps({**about, "found": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
