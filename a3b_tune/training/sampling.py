"""Text that a model writes behind a seed, token by token.

What the model reads grows until it has as many tokens as the model can hold; then its oldest eighth
is dropped and the rest is read anew: what a sentence opened long ago stays in view, at eight tokens
read for one written. With the keys and values of what was read kept (`cached`), or all of it read
again for each token, the same text comes out. Knows nothing of trials. Letters: B texts that are
written side by side, S tokens of a seed, V alphabet.
"""

from collections.abc import Callable
from math import inf, isfinite
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.errors import InputError
from a3b_tune.training.bits import scoring
from a3b_tune.training.learner import Stopped, never

# One in so many of the tokens in view is dropped once there is no room.
EIGHTH = 8


class Writer(Protocol):
    """A model that can go on from what it has read."""

    def __call__(self, tokens: Tensor) -> Tensor:
        """(B, T) to logits (B, T, V)."""

    def begin(self, tokens: Tensor) -> tuple[Tensor, Any]:
        """(B, T) to the logits (B, V) after the last, and what to go on from."""

    def go_on(self, tokens: Tensor, cache: Any) -> tuple[Tensor, Any]:  # noqa: ANN401
        """As `begin`, after one more token (B,)."""


def check_sampling(temperature: float, top_k: int) -> None:
    """InputError in one line where text cannot be sampled so."""
    if not (isfinite(temperature) and temperature >= 0.0):
        raise InputError(
            f"temperature: {temperature:g} is not a number from 0 (always the likeliest)"
        )
    if top_k < 0:
        raise InputError(f"top_k: {top_k} is below 0 (all tokens to choose from)")


def seed_tokens(alphabet: Alphabet, text: str) -> Tensor:
    """(1, S) the tokens of a text to go on from.

    :raises InputError: it is empty, or has a character that the alphabet does not know.
    """
    if not text:
        raise InputError("seed text: it is empty; a model needs a character to go on from")
    return alphabet.encode(text, "seed text").long().unsqueeze(0)


def sample(
    model: nn.Module,
    seed: Tensor,
    length: int,
    *,
    longest: int,
    temperature: float,
    top_k: int,
    generator: torch.Generator,
    cached: bool = True,
    should_stop: Callable[[], bool] = never,
) -> Tensor:
    """The `length` tokens (B, length) that a model writes behind seeds (B, S).

    :param longest: the most tokens that the model reads at once.
    :param temperature: logits are divided by it; at 0 the likeliest token is taken.
    :param top_k: only so many of the likeliest tokens are drawn from, 0 for all.
    :param generator: of the noise; on the CPU, so that it is the same on every device.
    :raises Stopped: `should_stop` said so.
    """
    check_sampling(temperature, top_k)
    noise = torch.rand(length, len(seed), generator=generator, dtype=torch.float64)
    noise = noise.to(seed.device)
    written = [seed]
    reader = Reader(model, longest, cached)
    with scoring(model):
        tokens = seed
        for own in noise:
            if should_stop():
                raise Stopped
            chosen = choose(reader.read(tokens), own, temperature, top_k)
            tokens = chosen.unsqueeze(1)  # (B, 1)
            written.append(tokens)
    return torch.cat(written[1:], 1) if length else seed[:, :0]


class Reader:
    """What a model has in view, and the logits of what may follow."""

    def __init__(self, model: nn.Module, longest: int, cached: bool) -> None:
        self._model = cast(Writer, model)
        self._longest = longest
        self._cached = cached
        self._seen: Tensor | None = None
        self._cache: Any = None

    def read(self, tokens: Tensor) -> Tensor:
        """The logits (B, V) of what may follow, `tokens` (B, T) having been read too."""
        before = self._seen
        seen = tokens if before is None else torch.cat([before, tokens], 1)
        fits = seen.shape[1] <= self._longest
        if not fits:
            kept = self._longest if before is None else _kept(self._longest)
            seen = seen[:, -kept:]
        self._seen = seen
        if not self._cached:
            return self._model(seen)[:, -1]
        if before is None or not fits:
            logits, self._cache = self._model.begin(seen)
        else:
            logits, self._cache = self._model.go_on(tokens[:, 0], self._cache)
        return logits


def _kept(longest: int) -> int:
    """How many tokens stay in view once there is no room."""
    return max(1, longest - max(1, longest // EIGHTH))


def choose(logits: Tensor, noise: Tensor, temperature: float, top_k: int) -> Tensor:
    """A token (B,) for each row of logits (B, V), by noise (B,) even in [0, 1)."""
    if temperature == 0.0:
        return logits.argmax(1)
    logits = logits.double()
    if 0 < top_k < logits.shape[1]:
        least = logits.topk(top_k).values[:, -1:]
        logits = logits.masked_fill(logits < least, -inf)
    # The largest is subtracted first: divided by a tiny temperature it would be infinite.
    logits = (logits - logits.amax(1, keepdim=True)) / temperature
    up_to = logits.softmax(1).cumsum(1)
    places = torch.searchsorted(up_to, noise.unsqueeze(1) * up_to[:, -1:], right=True)
    return places.squeeze(1).clamp(max=logits.shape[1] - 1)
