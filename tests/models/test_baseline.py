"""The baseline by hand."""

import pytest
import torch

from tests.models.examples import model, tokens


@pytest.mark.parametrize("pool", ["mean", "max", "select"])
def test_it_is_embed_pool_classify(pool):
    made = model("baseline", pool=pool, width=6)
    read = tokens()
    rows = []
    for row in read:
        x = made.embedding.weight[row[row != 0]]
        rows.append({"mean": x.mean(0), "max": x.max(0).values, "select": x[0]}[pool])
    torch.testing.assert_close(made(read), made.classify(torch.stack(rows)))


def test_order_does_not_matter_to_the_mean():
    made = model("baseline", pool="mean")
    read = tokens(1, 6)
    torch.testing.assert_close(made(read), made(read.flip(1)))


def test_longer_rows_than_max_length_are_read():
    made = model("baseline", max_length=2)
    assert made(tokens(3, 40)).shape == (3, 3)


@pytest.mark.parametrize("pool", ["mean", "max", "select"])
def test_a_sparse_embedding_gives_the_same_logits(pool):
    made = model("baseline", pool=pool, width=4)
    dense = made(tokens(5, 12))
    made.embedding.sparse = True
    torch.testing.assert_close(made(tokens(5, 12)), dense)
