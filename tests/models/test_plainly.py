"""The plain way and the quick ones: one result, and attention that can be looked at."""

import pytest
import torch

from a3b_tune.models import build
from a3b_tune.models.plainly import plain, plainly
from tests.models import examples


@pytest.mark.parametrize("variant", examples.variants(), ids=examples.label)
@pytest.mark.parametrize("length", [1, 2, 12])
def test_the_plain_way_gives_the_same_numbers(variant, length):
    name, settings = variant
    model = examples.model(name, **settings)
    tokens = examples.tokens(batch=8, length=length)
    quick = model(tokens)
    with plainly():
        torch.testing.assert_close(model(tokens), quick, rtol=0, atol=1e-12)


def test_a_model_of_text_gives_the_same_numbers():
    model = build("causal_transformer", vocabulary=9, classes=9, max_length=64, width=128)
    model = model.double().eval()
    tokens = torch.randint(0, 9, (5, 64))
    quick = model(tokens)
    with plainly():
        torch.testing.assert_close(model(tokens), quick, rtol=0, atol=1e-12)


def test_weights_of_all_layers_are_seen_and_sum_to_one():
    model = examples.model("transformer", depth=3, pool="select", heads=2, head_width=4)
    tokens = examples.tokens()
    with plainly() as seen:
        model(tokens)
    assert [list(weights.shape) for weights in seen] == [[5, 2, 6, 6], [5, 2, 6, 6], [5, 2, 1, 6]]
    for weights in seen:
        torch.testing.assert_close(weights.sum(3), torch.ones(weights.shape[:3]).double())
        assert not weights.sum((1, 2))[tokens == 0].any()


def test_it_ends_with_its_block_and_after_an_error():
    with pytest.raises(RuntimeError), plainly():
        raise RuntimeError
    assert not plain()
    with plainly() as outer:
        with plainly() as inner:
            pass
        assert plain()
    assert outer is not inner
