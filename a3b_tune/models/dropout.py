"""Dropout whose rate is a tensor, so that models with different rates can be stacked.

Knows nothing of what it drops. The rate of `nn.Dropout` is a Python number that all members of a
stack would share; a buffer gets a leading K like every other tensor.
"""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """`nn.Dropout` with its rate in the buffer `rate`.

    A rate of 0 at the start means no dropout and no cost, whatever is put into the buffer later:
    in a stack with several rates, the model that is called must have been built with one above 0.
    ValueError for a rate outside [0, 1).
    """

    rate: Tensor

    def __init__(self, rate: float = 0.0) -> None:
        super().__init__()
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"dropout {rate} is not in [0, 1)")
        self.active = rate > 0.0
        self.register_buffer("rate", torch.tensor(float(rate)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.active and self.training):
            return x
        kept = torch.rand_like(x) >= self.rate
        return x * (kept / (1.0 - self.rate))
