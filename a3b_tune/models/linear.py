"""A linear layer that is quicker on a CPU where it has many rows: alone by oneDNN, and in a stack
with the bias inside the product.

Equal to `nn.Linear` up to rounding, on every device and under `torch.func`. Letters: K members,
N rows (batch × positions), I inputs, O outputs.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from a3b_tune.models.plainly import plain

MANY = 2**15  # inputs, rows × I, up to which calling Python for a product costs more than it saves
ONEDNN = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class Linear(nn.Linear):
    """`nn.Linear`: (..., I) to (..., O)."""

    def forward(self, x: Tensor) -> Tensor:
        known = torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu") or plain()
        if known or x.device.type != "cpu" or x.numel() <= MANY:
            return super().forward(x)
        y: Tensor = Product.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return y


class Product(torch.autograd.Function):
    """Rows (..., I), weights (O, I) and a bias (O,) to (..., O).

    For rows of 128 inputs and 512 outputs MKL does 82 GFLOP/s on one core of an AMD EPYC, oneDNN
    92, and 74 against 98 the other way round. The gradient of the weights is MKL's: oneDNN would
    first copy its operands. Under `vmap` a linear layer is a product and then a sum, which reads
    and writes the result once more: here one operation does both.
    """

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return multiply(x, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ANN401
        x, weight = ctx.saved_tensors
        rows = gradient.flatten(0, -2)
        return (
            multiply(gradient, weight.t(), None),
            rows.t() @ x.flatten(0, -2),
            rows.sum(0),
        )

    @staticmethod
    def vmap(
        info: Any,  # noqa: ANN401
        in_dims: tuple[int | None, ...],
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
    ) -> tuple[Tensor, int]:
        x, weight, bias = (
            part.expand(info.batch_size, *part.shape) if dim is None else part.movedim(dim, 0)
            for part, dim in zip((x, weight, bias), in_dims, strict=True)
        )
        y = torch.baddbmm(bias.unsqueeze(1), x.flatten(1, -2), weight.transpose(1, 2))  # (K, N, O)
        return y.view(*x.shape[:-1], -1), 0


def multiply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """As `linear`."""
    # Where a transform is active that knows none but PyTorch's own operations, these are taken.
    if ONEDNN and x.dtype == torch.float32 and not torch._C._are_functorch_transforms_active():
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight.contiguous(), bias, "none", [], "")
        return y
    return linear(x, weight, bias)
