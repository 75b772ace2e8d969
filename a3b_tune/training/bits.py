"""How many bits a model needs for the tokens of windows of a text, with the errors of the means.

A window's last target is predicted from all L tokens before it: its bits are what the course's
question 12 asks for. Beside it the mean over all L targets, the first of which have less to go by.
Knows nothing of trials. Letters: N windows, L tokens that are read, V alphabet.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import log

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from a3b_tune.training.learner import Stopped
from a3b_tune.training.stack_step import at_least_single

# Tokens that are read at once: enough that Python costs little, few enough for the cache; and on a
# GPU, where starting the work costs more.
TOKENS, TOKENS_OF_GPU = 4096, 65_536


@contextmanager
def scoring(model: nn.Module) -> Iterator[None]:
    """Without dropout and without what gradients need; afterwards the model is as it was."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def window_bits(
    model: nn.Module,
    text: Tensor,
    starts: Tensor,
    length: int,
    autocast: torch.autocast,
    should_stop: Callable[[], bool],
) -> tuple[Tensor, Tensor]:
    """Of windows of `length` tokens that begin at `starts` (N,) the bits of each one's last target,
    and of its mean target: (N,) float64 both, on the CPU.

    :raises Stopped: `should_stop` said so.
    """
    windows = text.unfold(0, length + 1, 1)
    size = max(1, (TOKENS_OF_GPU if text.is_cuda else TOKENS) // length)
    last, mean = [], []
    with scoring(model):
        for some in torch.split(starts, size):
            if should_stop():
                raise Stopped
            tokens = windows[some.to(text.device)].long()  # (N, L + 1)
            with autocast:
                logits = model(tokens[:, :-1])  # (N, L, V)
            flat = logits.flatten(0, 1).to(at_least_single(logits))
            nats = cross_entropy(flat, tokens[:, 1:].flatten(), reduction="none")
            bits = nats.view(len(some), length).double() / log(2)
            last.append(bits[:, -1])
            mean.append(bits.mean(1))
    return torch.cat(last).cpu(), torch.cat(mean).cpu()


def mean_and_error(values: Tensor, counts: Tensor) -> tuple[float, float]:
    """The mean of draws and its standard error; `values` (N,) were drawn `counts` (N,) times.

    The error is that of drawing windows from this text, not that of the text as a sample of all
    that its source could have given.
    """
    draws = float(counts.sum())
    mean = float((values * counts).sum()) / draws
    squares = float(((values - mean).square() * counts).sum())
    return mean, (squares / max(1.0, draws - 1.0) / draws) ** 0.5
