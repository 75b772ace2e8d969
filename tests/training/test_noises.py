"""Noise hangs on seed, step and layer, and on nothing else."""

import torch

from a3b_tune.data import PAD
from a3b_tune.models import build
from a3b_tune.training.noises import Noise, drop_words, dropout_layers

CPU = torch.device("cpu")


def test_word_dropout_leaves_out_its_share_and_never_the_first_word():
    tokens = torch.tensor([[5, 6, 7, 8] * 50 + [PAD] * 200] * 20)
    key = torch.tensor(7, dtype=torch.int32)
    dropped = drop_words(tokens, torch.tensor(0.5), key)
    kept = dropped == tokens
    assert ((dropped == PAD) | kept).all()
    assert kept[:, 0].all()
    assert 0.45 < float(kept[:, 1:200].float().mean()) < 0.55


def test_members_together_lose_the_words_that_each_loses_alone():
    tokens = torch.arange(1, 301).view(3, 10, 10)
    shares = torch.tensor([0.1, 0.5, 0.9])
    keys = torch.tensor([1, 2, 3], dtype=torch.int32)
    together = drop_words(tokens, shares, keys)
    for k in range(3):
        assert torch.equal(together[k], drop_words(tokens[k], shares[k], keys[k]))


def test_every_layer_step_and_seed_has_its_own_key():
    model = build("transformer", vocabulary=9, classes=2, max_length=4, depth=2, dropout=0.1)
    layers = dropout_layers(model).values()
    seen = set()
    for seed in range(5):
        noise = Noise(model, seed, CPU)
        for step in range(20):
            seen.add(int(noise.at(step)))
            seen.update(int(layer.key) for layer in layers)
    assert len(seen) == 5 * 20 * (1 + len(layers))
