"""Which noise a model sees at which step: its own seed's, trained alone or in a stack.

Letters: K members, B batch, T positions.
"""

import torch
from torch import Tensor, nn

from a3b_tune.data import PAD
from a3b_tune.models.dropout import Dropout
from a3b_tune.models.noise import at_least, keys, stream

WORDS = 0  # the stream of word dropout; each dropout layer has one of its own behind it


def streams(seed: int, layers: int) -> list[int]:
    """The streams of a seed: one for words, one for each dropout layer."""
    return [stream(seed, number) for number in range(1 + layers)]


def dropout_layers(model: nn.Module) -> dict[str, Dropout]:
    """A model's dropout layers by name, in the order of their streams."""
    return {name: m for name, m in model.named_modules() if isinstance(m, Dropout)}


def drops(model: nn.Module) -> bool:
    """Whether a model was built with dropout."""
    return any(layer.active for layer in dropout_layers(model).values())


def drop_words(tokens: Tensor, share: Tensor, key: Tensor) -> Tensor:
    """Leaves out a share of the words (Iyyer et al. 2015, section 3.1): they become padding, which
    no model reads. The first word stays, so that no row is empty.

    :param tokens: (..., B, T).
    :param share: (...) of the words, each left out or not by itself.
    :param key: (...) int32.
    """
    kept = at_least(share, key, tokens.shape[-2] * tokens.shape[-1]).view(tokens.shape)
    kept[..., 0] = True
    return tokens.where(kept, PAD)


class Noise:
    """The noise of one model that is trained alone."""

    def __init__(self, model: nn.Module, seed: int, device: torch.device) -> None:
        self.device = device
        self._layers = list(dropout_layers(model).values())
        numbers = streams(seed, len(self._layers))
        self._streams = torch.tensor(numbers, dtype=torch.int32, device=device)

    def at(self, step: int) -> Tensor:
        """Gives every dropout layer its key for a step; returns the key for words, a scalar."""
        found = keys(self._streams, torch.tensor(step, dtype=torch.int32))
        for layer, key in zip(self._layers, found[1:], strict=True):
            layer.key = key
        return found[WORDS]
