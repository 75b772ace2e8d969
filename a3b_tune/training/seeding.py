"""Where the seeds of samples stand in the validation text: the same places for all trials, so that
what grows from them can be compared.

Knows no model. Letters: M tokens that validate.
"""

import torch
from torch import Tensor

from a3b_tune.data.text import Text
from a3b_tune.data.toy import END

# Tokens behind the middle of a text in which a place for its seed is looked for.
NEAR = 4096


def seed_place(text: Text, length: int) -> int:
    """Where a seed of so many tokens begins: behind the middle of the text, at the start of a
    sentence where the source has sentences, or else, of bytes, where all of them are characters."""
    last = max(0, len(text.validation) - length)
    middle = min(len(text.validation) // 2, last)
    near = text.validation[middle : middle + NEAR + length].cpu()
    places = torch.arange(0)
    if text.judge is not None:
        places = _sentences(text, near)
    elif text.unit == "byte" and len(near) >= length > 0:
        plain = (near >= 32) & (near < 127)
        places = plain.unfold(0, length, 1).all(1).nonzero().squeeze(1)
    found = [place for place in (places + middle).tolist() if place <= last]
    return found[0] if found else middle


def sentence_starts(text: Text, count: int, before: int) -> list[int]:
    """Up to `count` places spread over the validation text where a sentence begins, with so many
    tokens before each."""
    places = _sentences(text, text.validation.cpu())
    places = places[places >= before]
    chosen = torch.linspace(0, len(places) - 1, min(count, len(places))).long()
    found: list[int] = places[chosen].tolist()
    return found


def _sentences(text: Text, tokens: Tensor) -> Tensor:
    """The places behind each end of a sentence."""
    end = text.alphabet.encode(END)
    if len(tokens) < len(end):
        return torch.arange(0)
    return (tokens.unfold(0, len(end), 1) == end).all(1).nonzero().squeeze(1) + len(end)
