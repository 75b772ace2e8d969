"""Batches and models that the tests of this room share."""

from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from a3b_tune.models import MODELS, ROW_MODELS, build, settings_of

VOCABULARY = 20
STACKED_MODELS = tuple(name for name in ROW_MODELS if getattr(MODELS[name], "stacks", True))
"""The models of rows that can be trained in a stack; the others have tests of their own."""
POOLS = ("mean", "max", "select")
POSITIONS = ("none", "learned", "sinusoidal")


def tokens(batch: int = 5, length: int = 6, seed: int = 0) -> Tensor:
    """(B, T) tokens from 1 up; from the second row on, every other row is padded."""
    made = torch.randint(
        1, VOCABULARY, (batch, length), generator=torch.Generator().manual_seed(seed)
    )
    for row in range(1, batch, 2):
        made[row, 1 + row * (length - 1) // batch :] = 0
    return made


def model(name: str, *, seed: int = 0, max_length: int = 12, **settings: Any) -> nn.Module:
    torch.manual_seed(seed)
    made = build(name, vocabulary=VOCABULARY, classes=3, max_length=max_length, **settings)
    return made.double().eval()


def variants() -> list[tuple[str, dict[str, Any]]]:
    """Every model of rows with every pool and every kind of positions it has, two layers."""
    found: list[tuple[str, dict[str, Any]]] = []
    for name in STACKED_MODELS:
        known = settings_of(name)
        pools = POOLS if "pool" in known else ("",)
        for pool, positions in product(pools, POSITIONS if "positions" in known else ("",)):
            settings: dict[str, Any] = {"pool": pool} if pool else {}
            settings |= {"positions": positions} if positions else {}
            settings |= {"depth": 2} if "depth" in known else {}
            settings |= {"heads": 2, "head_width": 4} if "heads" in known else {"width": 8}
            found.append((name, settings))
    return found


def label(variant: tuple[str, dict[str, Any]]) -> str:
    return "-".join((variant[0], variant[1].get("pool", ""), variant[1].get("positions", "")))
