"""Tried out: attention against its definition and against PyTorch's, and what a mask lets through.

Knows no question. Letters: B batch, T positions, C channels, H heads, D = C / H.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from a3b_tune.models.attend import attend
from a3b_tune.models.attention import SelfAttention
from a3b_tune.models.causal import CausalAttention
from a3b_tune.models.causal_op import by_pytorch

B, T, C, H = 4, 12, 32, 4
SEED = 0
LENGTHS = (4, 16, 64, 256)
"""Of the vectors whose products are looked at."""
DRAWS, KEYS = 2000, 16


@dataclass(frozen=True)
class Simple:
    """The largest difference between attention by matrices and its definition as a loop, that of
    any row's sum of weights from one, and that of outputs for inputs in another order."""

    loop: float
    sums: float
    order: float


@dataclass(frozen=True)
class Spread:
    """Of products of vectors of one length: their standard deviation and the mean weight of the
    likeliest of the keys, as they are and scaled."""

    length: int
    plain: float
    scaled: float
    plain_weight: float
    scaled_weight: float


@dataclass(frozen=True)
class Masking:
    """The largest gradient of any output with respect to a later input: masked in float64, masked
    in float32 as models are trained, and without the mask; the smallest with respect to its own
    input; how many outputs change when all that comes after them is another; the largest difference
    from PyTorch's kernel and from a softmax with the mask written down."""

    later: float
    later_single: float
    unmasked: float
    own: float
    changed: int
    pytorch: float
    written: float


def simple() -> Simple:
    """Simple self-attention, in float64."""
    x = _inputs(T, C).double()
    y = _simple(x)
    weights = (x @ x.transpose(1, 2)).softmax(2)
    order = torch.randperm(T, generator=torch.Generator().manual_seed(SEED))
    return Simple(
        _difference(y, _loop(x)),
        _difference(weights.sum(2), torch.ones(B, T)),
        _difference(_simple(x[:, order]), y[:, order]),
    )


def _simple(x: Tensor) -> Tensor:
    one = x.unsqueeze(2)  # (B, T, 1, C)
    return attend(one, one, one, torch.zeros(x.shape[:2], dtype=torch.bool), 1.0).squeeze(2)


def _loop(x: Tensor) -> Tensor:
    """The definition: for each row, for each output, for each input."""
    y = torch.zeros_like(x)
    for row, inputs in enumerate(x):
        for place, query in enumerate(inputs):
            weights = torch.stack([query.dot(key) for key in inputs]).exp()
            for weight, value in zip(weights / weights.sum(), inputs, strict=True):
                y[row, place] += weight * value
    return y


def heads() -> float:
    """The largest difference from `nn.MultiheadAttention` on the same weights, in float64."""
    x = _inputs(T, C).double()
    ours = SelfAttention(C, H, bias=False).double()
    theirs = nn.MultiheadAttention(C, H, bias=False, batch_first=True).double()
    with torch.no_grad():
        ours.unify.bias.zero_()
        theirs.in_proj_weight.copy_(torch.cat([ours.queries.weight, ours.keys_values.weight]))
        theirs.out_proj.weight.copy_(ours.unify.weight)
        found = ours(x, torch.zeros(B, T, dtype=torch.bool))
        return _difference(found, theirs(x, x, x, need_weights=False)[0])


def spreads() -> list[Spread]:
    """Products of vectors of normal numbers, short and long."""
    return [_spread(length) for length in LENGTHS]


def _spread(length: int) -> Spread:
    generator = torch.Generator().manual_seed(SEED)
    queries = torch.randn(DRAWS, 1, length, generator=generator)
    keys = torch.randn(DRAWS, KEYS, length, generator=generator)
    products = (queries * keys).sum(2)  # (DRAWS, KEYS)
    scaled = products / length**0.5
    found = [(some, some.softmax(1).amax(1)) for some in (products, scaled)]
    (plain, plain_weight), (even, even_weight) = found
    return Spread(
        length, *(float(v) for v in (plain.std(), even.std())),
        *(float(v) for v in (plain_weight.mean(), even_weight.mean())),
    )  # fmt: skip


def masking() -> Masking:
    """Causal attention with random weights."""
    torch.manual_seed(SEED)
    layer, free = CausalAttention(C, H), SelfAttention(C, H, bias=True)
    x = _inputs(T, C)
    nothing = torch.zeros(B, T, dtype=torch.bool)
    with torch.no_grad():
        projected = layer.project(x)
        found = layer(x)
        by_torch = layer.unify(by_pytorch(projected, H, layer.scale))
        by_hand = layer.unify(_written(projected, layer.scale))
        other = torch.cat([x[:, : T // 2], x[:, T // 2 :].flip(1) + 1], 1)
        changed = int((layer(other) != found)[:, : T // 2].sum())
    later_single, own = _gradients(layer, x)
    unmasked, _ = _gradients(lambda inputs: free(inputs, nothing), x)
    pytorch, written = _difference(found, by_torch), _difference(found, by_hand)
    later, _ = _gradients(layer.double(), x.double())
    return Masking(later, later_single, unmasked, own, changed, pytorch, written)


def _gradients(layer: Callable[[Tensor], Tensor], x: Tensor) -> tuple[float, float]:
    """Of each output with respect to the inputs: the largest to a later one, the smallest (over
    outputs, of the largest over channels) to its own."""
    later, own = [0.0], []
    for place in range(T):
        inputs = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(layer(inputs)[:, place].sum(), inputs)
        own.append(float(gradient[:, place].abs().max()))
        if place + 1 < T:
            later.append(float(gradient[:, place + 1 :].abs().max()))
    return max(later), min(own)


def _written(projected: Tensor, scale: float) -> Tensor:
    """Attention with minus infinity written above the diagonal of the scores."""
    q, k, v = projected.view(B, T, 3, H, C // H).transpose(1, 3).unbind(2)  # (B, H, T, D)
    scores = (q * scale) @ k.transpose(2, 3)
    above = torch.ones(T, T, dtype=torch.bool).triu(1)
    weights = scores.masked_fill(above, -torch.inf).softmax(3)
    y: Tensor = torch.matmul(weights, v).transpose(1, 2).flatten(2)
    return y


def _inputs(length: int, channels: int) -> Tensor:
    torch.manual_seed(SEED)
    return torch.randn(B, length, channels) / math.sqrt(channels)


def _difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())
