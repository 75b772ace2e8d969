"""Random bits that hang on a key alone: not on a device, a neighbour, or what was drawn before.

A member of a stack must see the same noise as when it is trained alone; PyTorch's generators give
noise in the order of asking, and under `torch.func.vmap` all members ask one generator. So noise is
a hash of a key and a place, as in Salmon et al. 2011 ("Parallel random numbers: as easy as 1, 2,
3"); the hash is Wellons' "lowbias32" (2018). Knows nothing of what the noise is for.
"""

import torch
from torch import Tensor

# Keys of successive steps lie this far apart: 2^32 / golden ratio, as a signed number.
STRIDE = -1_640_531_527


def mix(x: Tensor) -> Tensor:
    """A permutation of int32 that leaves no likeness between neighbours; any shape."""
    x = x ^ ((x >> 16) & 0xFFFF)
    x = x * 0x7FEB352D
    x = x ^ ((x >> 15) & 0x1FFFF)
    x = x * -2_073_319_571  # 0x846ca68b
    return x ^ ((x >> 16) & 0xFFFF)


def stream(seed: int, number: int) -> int:
    """The start, in int32, of one of the streams of noise that a seed has."""
    low = torch.tensor([seed & 0x7FFFFFFF], dtype=torch.int32)
    return int(mix(mix(low) + number))


def keys(streams: Tensor, steps: Tensor) -> Tensor:
    """The keys (int32) of streams (int32) at their steps (int32); the shapes broadcast."""
    return mix(streams + steps * STRIDE)


def at_least(share: Tensor, key: Tensor, count: int) -> Tensor:
    """(..., count) bool, each False with probability `share` (...), which is in [0, 1).

    :param key: (...) int32: the same key gives the same bits on every device.
    """
    places = torch.arange(count, dtype=torch.int32, device=key.device) * STRIDE
    bits = mix(places + key.unsqueeze(-1)) & 0x7FFFFFFF
    return bits >= (share * 2.0**31).to(torch.int32).unsqueeze(-1)
