"""Whether a person's own model does what a model must: it is called once, on a tiny batch.

On the CPU and with noise of its own, so that nothing else draws other numbers after it. Knows no
study file and no data.
"""

import torch
from torch import Tensor, nn

from a3b_tune.errors import InputError
from a3b_tune.models.own import told

ROWS, LENGTH = 2, 5
SIZES = {"vocabulary": 20, "classes": 3, "max_length": 8}


def tiny_batch(rows: int = ROWS, *, padded: bool = True) -> Tensor:
    """(B, T) int64 tokens, few of the words; where `padded` the second row ends two earlier."""
    tokens = 1 + torch.arange(rows * LENGTH).view(rows, LENGTH) % 6 * 3
    if padded:
        tokens[1, -2:] = 0
    return tokens


def tiny_sizes(*, reads_text: bool) -> dict[str, int]:
    """What the data would decide; of a text the classes are its tokens."""
    return {**SIZES, "classes": SIZES["vocabulary"]} if reads_text else SIZES


def check_output(name: str, model: nn.Module, *, reads_text: bool) -> None:
    """Refuses a model, built for `tiny_sizes`, that gives no logits, learns nothing, or keeps
    numbers of its training that are not parameters.

    :raises InputError: one line.
    """
    tokens = tiny_batch(padded=not reads_text)
    before = {key: buffer.clone() for key, buffer in model.named_buffers()}
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            logits = model(tokens)
    except Exception as error:  # noqa: BLE001 (a person's code)
        raise InputError(
            f"{name}: forward fails on tokens of shape {list(tokens.shape)}: {told(error)}"
        ) from None
    _check_logits(name, logits, reads_text=reads_text)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError(f"{name}: has no parameters to train")
    for key, buffer in model.named_buffers():
        if key in before and not torch.equal(before[key], buffer):
            raise InputError(
                f"{name}: changes its buffer {key!r} in training, which no checkpoint holds;"
                " use a layer without running numbers, like nn.LayerNorm"
            )


def _check_logits(name: str, logits: object, *, reads_text: bool) -> None:
    classes = tiny_sizes(reads_text=reads_text)["classes"]
    wanted = [ROWS, LENGTH, classes] if reads_text else [ROWS, classes]
    letters = "(B, T, classes)" if reads_text else "(B, classes)"
    if not isinstance(logits, Tensor):
        raise InputError(f"{name}: forward gives a {type(logits).__name__}, not a tensor {letters}")
    if list(logits.shape) != wanted:
        raise InputError(
            f"{name}: forward gives {list(logits.shape)} for tokens [{ROWS}, {LENGTH}] and"
            f" {classes} classes, not {wanted}: {letters}"
        )
    if not logits.is_floating_point():
        raise InputError(
            f"{name}: forward gives {str(logits.dtype)[6:]}, not floating-point logits"
        )
