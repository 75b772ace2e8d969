"""Causal attention on the CPU as one operation that autograd, `torch.func.vmap` and `torch.compile`
know: all members of a stack in one call, scores never written down.

PyTorch's own kernel has no batching rule on the CPU and is made for wide heads. Ours
(`causal_kernel.cpp`) is compiled on the machine; where that cannot be, and for other numbers than
float32 or heads wider than 64, PyTorch's does the same work. Milliseconds of one core, forward and
backward, 32 rows of 128 positions, 4 heads: 3.3 against 17.5 with 8 channels each, 9.7 against 21.8
with 32. Letters: N rows, T positions, C channels, H heads, D = C / H.
"""

from ctypes import CDLL, c_float, c_int, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from a3b_tune.models.native import library

SOURCE = Path(__file__).with_name("causal_kernel.cpp")
WIDEST = 64  # channels of a head that the kernel has code for


def run_forward(projected: Tensor, heads: int, scale: float) -> tuple[Tensor, Tensor]:
    """Queries, keys and values (N, T, 3C) in one to (N, T, C), and what the backward pass needs."""
    projected = projected.contiguous()
    kernel = kernel_for(projected, heads)
    n, t, width = projected.shape
    sums = projected.new_empty(n, heads, t, 2)
    if kernel is None:
        return by_pytorch(projected, heads, scale).contiguous(), sums
    y = projected.new_empty(n, t, width // 3)
    kernel.causal_forward(*sizes(projected, heads, scale), *pointers(projected, y, sums))
    return y, sums


def run_backward(
    projected: Tensor, sums: Tensor, gradient: Tensor, heads: int, scale: float
) -> Tensor:
    """The gradient of `projected` (N, T, 3C), from that of the result (N, T, C)."""
    projected, gradient = projected.contiguous(), gradient.contiguous()
    kernel = kernel_for(projected, heads)
    if kernel is None:
        return backward_by_pytorch(projected, gradient, heads, scale)
    found = torch.empty_like(projected)
    operands = pointers(projected, sums.contiguous(), gradient, found)
    kernel.causal_backward(*sizes(projected, heads, scale), *operands)
    return found


def kernel_for(projected: Tensor, heads: int) -> CDLL | None:
    """Our kernel, where it can do the work."""
    fits = projected.dtype == torch.float32 and projected.shape[2] <= 3 * heads * WIDEST
    return library(SOURCE) if fits and projected.numel() else None


def sizes(projected: Tensor, heads: int, scale: float) -> tuple[c_int | c_float, ...]:
    """What both functions of the kernel are told first."""
    n, t, width = projected.shape
    own = (c_int(size) for size in (n, t, heads, width // (3 * heads)))
    return *own, c_float(scale), c_int(torch.get_num_threads())


def pointers(*tensors: Tensor) -> tuple[c_void_p, ...]:
    """Where the tensors lie."""
    return tuple(c_void_p(tensor.data_ptr()) for tensor in tensors)


def by_pytorch(projected: Tensor, heads: int, scale: float) -> Tensor:
    """The same by PyTorch's kernel, on any device."""
    split = projected.reshape(*projected.shape[:2], 3, heads, -1)
    q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)  # (N, H, T, D)
    y = scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
    return y.transpose(1, 2).flatten(2)


def backward_by_pytorch(projected: Tensor, gradient: Tensor, heads: int, scale: float) -> Tensor:
    """The gradient of `by_pytorch` on a CPU, by the kernels themselves: called from compiled code,
    autograd is not there."""
    split = projected.reshape(*projected.shape[:2], 3, heads, -1)
    q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)  # (N, H, T, D)
    of_y = gradient.reshape(*gradient.shape[:2], heads, -1).transpose(1, 2)
    aten = torch.ops.aten
    y, sums = aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, True, scale=scale)
    parts = aten._scaled_dot_product_flash_attention_for_cpu_backward(
        of_y, q, k, v, y, sums, 0.0, True, scale=scale
    )
    found = torch.stack(parts)  # (3, N, H, T, D)
    return found.permute(1, 3, 0, 2, 4).flatten(2)


LIBRARY = torch.library.Library("a3b_tune", "DEF")  # type: ignore[no-untyped-call]
for _function, _schema in (
    (run_forward, "causal(Tensor projected, int heads, float scale) -> (Tensor, Tensor)"),
    (
        run_backward,
        "causal_backward(Tensor projected, Tensor sums, Tensor gradient, int heads, float scale)"
        " -> Tensor",
    ),
):
    _name = LIBRARY.define(_schema)  # type: ignore[no-untyped-call]
    LIBRARY.impl(_name, _function, "CPU")  # type: ignore[no-untyped-call]
    # Nothing is recorded below `Causal`, which knows the gradient.
    LIBRARY.impl(_name, torch.library.fallthrough_kernel, "Autograd")  # type: ignore[no-untyped-call]
causal = torch.ops.a3b_tune.causal.default
causal_backward = torch.ops.a3b_tune.causal_backward.default


@torch.library.register_fake("a3b_tune::causal")  # type: ignore[untyped-decorator]
def _(projected: Tensor, heads: int, scale: float) -> tuple[Tensor, Tensor]:
    n, t, width = projected.shape
    return projected.new_empty(n, t, width // 3), projected.new_empty(n, heads, t, 2)


@torch.library.register_fake("a3b_tune::causal_backward")  # type: ignore[untyped-decorator]
def _(projected: Tensor, sums: Tensor, gradient: Tensor, heads: int, scale: float) -> Tensor:
    return torch.empty_like(projected, memory_format=torch.contiguous_format)


class Causal(torch.autograd.Function):
    """`causal` with its gradient: (N, T, 3C) to (N, T, C). A custom operation can be given one too,
    but not one that `torch.func.grad` takes."""

    @staticmethod
    def forward(projected: Tensor, heads: int, scale: float) -> tuple[Tensor, Tensor]:
        y, sums = causal(projected, heads, scale)
        return y, sums

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:  # noqa: ANN401
        projected, ctx.heads, ctx.scale = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(projected, output[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        projected, sums = ctx.saved_tensors
        return causal_backward(projected, sums, gradient, ctx.heads, ctx.scale), None, None

    @staticmethod
    def vmap(
        info: Any,  # noqa: ANN401
        in_dims: tuple[int | None, ...],
        projected: Tensor,
        heads: int,
        scale: float,
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        members = info.batch_size
        rows = together(projected, in_dims[0], members)
        y, sums = Causal.apply(rows, heads, scale)  # type: ignore[no-untyped-call]
        return (apart(y, members), apart(sums, members)), (0, 0)


@cache
def tell_compiler() -> None:
    """What `torch.compile` must hear first: it takes `attend_causal` as one operation. Said where
    this module is imported it would load the compiler, for as long as all of PyTorch."""
    torch.compiler.allow_in_graph(attend_causal)  # type: ignore[no-untyped-call]


def attend_causal(projected: Tensor, heads: int, scale: float) -> Tensor:
    """As `run_forward`, for who does not care how the gradient is found."""
    if torch.compiler.is_dynamo_compiling():  # untold, it would lose the gradient in here
        return by_pytorch(projected, heads, scale)
    y: Tensor = Causal.apply(projected, heads, scale)[0]  # type: ignore[no-untyped-call]
    return y


@torch.library.register_vmap("a3b_tune::causal_backward")  # type: ignore[untyped-decorator]
def _(
    info: Any,  # noqa: ANN401
    in_dims: tuple[int | None, ...],
    projected: Tensor,
    sums: Tensor,
    gradient: Tensor,
    heads: int,
    scale: float,
) -> tuple[Tensor, int]:
    members = info.batch_size
    parts = (
        together(part, dim, members)
        for part, dim in zip((projected, sums, gradient), in_dims, strict=False)
    )
    return apart(causal_backward(*parts, heads, scale), members), 0


def together(tensor: Tensor, dim: int | None, members: int) -> Tensor:
    """(K · N, ...): the members' rows one after the other."""
    if dim is None:
        tensor, dim = tensor.expand(members, *tensor.shape), 0
    return tensor.movedim(dim, 0).flatten(0, 1)


def apart(tensor: Tensor, members: int) -> Tensor:
    """(K, N, ...), from the rows of all members."""
    return tensor.view(members, -1, *tensor.shape[1:])
