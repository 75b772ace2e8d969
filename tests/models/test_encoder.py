"""The encoder computes what `nn.TransformerEncoder` computes, from the same first weights."""

import math

import pytest
import torch
from torch import nn

from a3b_tune.models.dropout import Dropout
from a3b_tune.models.encoder import Encoder, EncoderAttention, EncoderLayer, EncoderLayers
from tests.models.examples import model, tokens

WIDTH, HEADS, INSIDE = 8, 2, 12


def theirs(depth: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INSIDE, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)


def ours(depth: int) -> EncoderLayers:
    return EncoderLayers(
        EncoderLayer(WIDTH, HEADS, INSIDE, dropout=0.0, attention_dropout=0.0), depth
    )


def test_names_and_first_weights_are_those_of_pytorch():
    torch.manual_seed(5)
    one = ours(2).state_dict()
    torch.manual_seed(5)
    other = theirs(2).state_dict()
    assert list(one) == list(other)
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("length", [2, 6, 40])
def test_it_equals_the_encoder_of_pytorch_with_padding_too(length):
    torch.manual_seed(3)
    reference, made = theirs(3).double(), ours(3).double()
    for parameter in reference.parameters():
        nn.init.normal_(parameter, std=0.5)
    made.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(5, length, WIDTH, dtype=torch.float64)
    padding = tokens(5, length) == 0
    wanted = reference(x, src_key_padding_mask=padding)
    torch.testing.assert_close(made(x, padding), wanted, rtol=0, atol=1e-12)


def test_the_whole_is_scaled_embeddings_sines_layers_mean_and_linear():
    made = model("encoder", width=WIDTH, heads=HEADS, depth=2, feed_forward=INSIDE)
    reference = theirs(2).double()
    reference.load_state_dict(made.encoder.state_dict())
    read = tokens()
    places = torch.arange(6, dtype=torch.float64)
    angles = places[:, None] / 10_000 ** (torch.arange(0, WIDTH, 2) / WIDTH)
    sines = torch.stack((angles.sin(), angles.cos()), -1).flatten(1)
    x = made.embedding(read) * math.sqrt(WIDTH) + sines
    x = reference(x, src_key_padding_mask=read == 0)
    means = torch.stack([row[words != 0].mean(0) for row, words in zip(x, read, strict=True)])
    # Its table of sines was made in single precision.
    torch.testing.assert_close(made(read), made.classify(means), rtol=0, atol=1e-6)


def test_attention_that_drops_nothing_this_time_is_the_same():
    torch.manual_seed(0)
    dropping = EncoderAttention(WIDTH, HEADS, dropout=1e-12).double()
    whole = EncoderAttention(WIDTH, HEADS, dropout=0.0).double()
    whole.load_state_dict(dropping.state_dict())
    x = torch.randn(5, 40, WIDTH, dtype=torch.float64)
    padding = tokens(5, 40) == 0
    torch.testing.assert_close(dropping(x, padding), whole(x, padding), rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("given", "rates"),
    [({}, [0.3, 0.3, 0.3, 0.3, 0.3]), ({"attention_dropout": 0.0}, [0.3, 0.0, 0.3, 0.3, 0.3])],
)
def test_dropout_falls_where_pytorch_has_it_and_on_the_input(given, rates):
    made = Encoder(vocabulary=9, classes=2, max_length=4, depth=1, dropout=0.3, **given)
    layers = [part for part in made.modules() if isinstance(part, Dropout)]
    assert [float(layer.rate) for layer in layers] == pytest.approx(rates)
    read = tokens(3, 4) % 9
    for layer in layers:
        layer.key = layer.key + 1
    assert not torch.equal(made(read), made.eval()(read))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"depth": 0}, "depth 0 is not at least 1"),
        ({"feed_forward": 0}, "feed_forward 0 is not at least 1"),
        ({"dropout": 1.0}, "dropout 1.0 is not in"),
        ({"width": 10, "heads": 4}, "width 10 does not divide into 4 heads"),
    ],
)
def test_what_cannot_be_is_named(settings, text):
    with pytest.raises(ValueError, match=text):
        Encoder(vocabulary=9, classes=2, max_length=4, **settings)
