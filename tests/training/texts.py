"""Small texts whose source is known: a chain in which each symbol hangs on the one before."""

from random import Random

import torch
from torch import Tensor, nn

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.text import Text
from a3b_tune.training import Prepared, Recipe
from tests.training.conftest import recipe

# The probabilities of the next of four symbols, by the last.
CHAIN = torch.tensor(
    [[0.7, 0.1, 0.1, 0.1], [0.0, 0.5, 0.25, 0.25], [0.05, 0.05, 0.8, 0.1], [0.4, 0.3, 0.2, 0.1]],
    dtype=torch.float64,
)


def entropy() -> float:
    """Bits per symbol: that of each row, weighed by how often its symbol comes."""
    shares = torch.linalg.matrix_power(CHAIN, 200)[0]
    rows = -torch.special.xlogy(CHAIN, CHAIN).sum(1) / torch.log(torch.tensor(2.0))
    return float(shares @ rows)


def symbols(count: int, seed: int) -> Tensor:
    """(count,) a draw of the chain."""
    random, weights = Random(seed), CHAIN.tolist()
    found = [0]
    while len(found) < count:
        found += random.choices(range(4), weights[found[-1]])
    return torch.tensor(found, dtype=torch.uint8)


def chain(count: int = 3000, alphabet: str = "abcd") -> Text:
    """Parts of so many symbols, with the ideal predictor's bits."""
    train, validation, test = (symbols(count, seed) for seed in range(3))
    before = validation[:-1].long()
    bits = -torch.log2(CHAIN[before, validation[1:].long()])
    ideal = torch.cat([torch.zeros(1, dtype=torch.float64), bits])
    return Text("chain", train, validation, test, Alphabet(tuple(alphabet)), ideal)


class Knows(nn.Module):
    """The chain itself as a model: logits (B, T, 4) are logarithms of the true probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.chain = nn.Parameter(CHAIN.log().clamp(min=-1e4))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.chain[tokens]


def prepared(text: Text | None = None) -> Prepared:
    return Prepared(text or chain(), torch.device("cpu"))


def text_recipe(seed: int = 1, **settings) -> Recipe:
    """A small transformer, two rounds of 8 steps."""
    return recipe(
        seed,
        **{
            "model__name": "causal_transformer", "model__heads": 2, "model__head_width": 4,
            "model__depth": 2, "data__max_length": 12, "optimizer__lr": 1e-2,
            "training__steps": 16, "training__evaluate_every": 8, "training__batch_size": 8,
            "training__windows": 60, "training__final_batches": 10, "samples__length": 30,
            "samples__seed_length": 5, **settings,
        },
    )  # fmt: skip
