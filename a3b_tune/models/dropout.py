"""Dropout whose rate and noise are tensors, so that models with different ones can be stacked.

Knows nothing of what it drops. The rate of `nn.Dropout` is a Python number that all members of a
stack would share, and its noise comes from one generator for all of them.
"""

import torch
from torch import Tensor, nn

from a3b_tune.models.noise import at_least


class Dropout(nn.Module):
    """`nn.Dropout` with its rate in the buffer `rate` and the key of its noise in the buffer `key`:
    who trains the model puts a new key in at every step.

    A rate of 0 at the start means no dropout and no cost, whatever is put into the buffer later:
    in a stack with several rates, the model that is called must have been built with one above 0.
    ValueError for a rate outside [0, 1).
    """

    rate: Tensor
    key: Tensor

    def __init__(self, rate: float = 0.0) -> None:
        super().__init__()
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"dropout {rate} is not in [0, 1)")
        self.active = rate > 0.0
        self.register_buffer("rate", torch.tensor(float(rate)), persistent=False)
        self.register_buffer("key", torch.tensor(0, dtype=torch.int32), persistent=False)

    @property
    def drops(self) -> bool:
        """Whether anything is dropped now."""
        return self.active and self.training

    def forward(self, x: Tensor) -> Tensor:
        if not self.drops:
            return x
        kept = at_least(self.rate, self.key, x.numel()).view(x.shape)
        return x * (kept / (1.0 - self.rate))
