"""What is worked out for all words and then read is what is worked out for each token."""

import pytest
import torch

from a3b_tune.models.tables import Openings, read
from tests.models.examples import model, tokens

WAYS = [
    (name, positions, dropout)
    for name in ("simple_attention", "full_attention")
    for positions in ("none", "learned", "sinusoidal")
    for dropout in (0.0,)
]


def test_reading_a_table_is_looking_words_up():
    table, read_at = torch.randn(3, 7), torch.randint(7, (4, 5))
    assert torch.equal(read(table, read_at), table[:, read_at.t()])


def openings_of(read_at: torch.Tensor, vocabulary: int, several: bool) -> Openings:
    first = read_at[:, 0] if several else read_at[:1, 0]
    return Openings.of(first, vocabulary)


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize(("name", "positions", "dropout"), WAYS)
def test_with_openings_logits_and_gradients_are_the_same(name, positions, dropout, several):
    made = model(name, pool="select", positions=positions)
    read_at = tokens()
    if not several:
        read_at[:, 0] = read_at[0, 0]
    found = []
    for openings in (None, openings_of(read_at, made.embedding.num_embeddings, several)):
        made.openings = openings
        logits = made(read_at)
        gradients = torch.autograd.grad(logits.sin().sum(), list(made.parameters()))
        found.append((logits, *gradients))
    for without, with_openings in zip(*found, strict=True):
        torch.testing.assert_close(without, with_openings, rtol=0, atol=1e-11)


def test_dropout_between_pool_and_classes_is_not_folded_away():
    made = model("full_attention", pool="select", dropout=0.5).train()
    read_at = tokens()
    alone = made(read_at)
    made.openings = openings_of(read_at, made.embedding.num_embeddings, True)
    torch.testing.assert_close(made(read_at), alone)


def test_the_baselines_mean_is_the_same_by_words_and_by_tokens():
    made = model("baseline", pool="mean")
    read_at = tokens(60)
    by_words = made(read_at)
    by_tokens = torch.cat([made(row.unsqueeze(0)) for row in read_at])
    torch.testing.assert_close(by_words, by_tokens, rtol=0, atol=1e-12)
