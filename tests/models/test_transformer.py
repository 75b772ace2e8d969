"""The transformer: a pool of all blocks in full; memory that two cores' machine has."""

import pytest
import torch

from a3b_tune.models import build
from a3b_tune.models.dropout import Dropout
from a3b_tune.models.pools import pool
from a3b_tune.models.transformer import Transformer
from tests.models.examples import POOLS, model, tokens


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("length", [6, 12])
def test_it_is_a_pool_of_every_block_in_full(length, name, norm):
    made = model("transformer", pool=name, depth=3, heads=2, head_width=4, norm=norm)
    read = tokens(5, length)
    x = made.positions(made.embedding(read))
    for block in made.blocks:
        x = block(x, read == 0)
    wanted = made.classify(pool(name, made.last_norm(x), read == 0))
    torch.testing.assert_close(made(read), wanted, rtol=0, atol=1e-11)


def test_dropout_acts_in_training_alone():
    made = model("transformer", dropout=0.5)
    read = tokens()
    assert torch.equal(made(read), made(read))
    made.train()
    first = made(read)
    for layer in (part for part in made.modules() if isinstance(part, Dropout)):
        layer.key = layer.key + 1
    assert not torch.equal(first, made(read))


def test_what_is_kept_for_backward_does_not_grow_with_the_square_of_the_length():
    made = build("transformer", vocabulary=20, classes=2, max_length=512, depth=3)

    def kept(length: int) -> int:
        sizes = {}

        def note(tensor):
            sizes[tensor.data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            logits = made(torch.ones(4, length, dtype=torch.int64))
        assert logits.shape == (4, 2)
        return sum(sizes.values())

    assert kept(512) < 2.2 * kept(256)


def test_a_batch_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="13 positions in a batch, but the model has 12"):
        model("transformer")(tokens(2, 13))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"depth": 0}, "depth 0 is not at least 1"),
        ({"norm": "none"}, "unknown norm 'none'"),
        ({"pool": "selct"}, "unknown pool 'selct'; did you mean 'select'"),
        ({"dropout": 1.0}, "dropout 1.0 is not in"),
        ({"width": 10, "heads": 4}, "width 10 does not divide into 4 heads"),
    ],
)
def test_what_cannot_be_is_named(settings, text):
    with pytest.raises(ValueError, match=text):
        Transformer(vocabulary=9, classes=2, max_length=4, **settings)
