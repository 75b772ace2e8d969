"""Compiling a step to machine code, where there is a compiler and the time saved repays it.

Knows nothing of models or members.
"""

from collections.abc import Callable
from itertools import count
from types import FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn

from a3b_tune.models.causal_op import tell_compiler
from a3b_tune.models.native import compiler

# Seconds of training ahead from which compiling is worth its 10 to 30 seconds, and the 40 that a
# stack of transformers takes to gain a quarter.
REPAID, REPAID_BY_TEXT = 90.0, 300.0

_numbers = count()


def pays(seconds: float, of_text: bool = False) -> bool:
    """Whether so much training ahead is worth the wait for the compiler."""
    return seconds > (REPAID_BY_TEXT if of_text else REPAID) and compiler() is not None


def _prepare() -> None:
    """Before the first thing is compiled."""
    import torch._inductor.config as inductor

    inductor.compile_threads = 1
    tell_compiler()


def compiled_model(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """A model compiled for batches of one size, in this process alone; its weights stay its own."""
    _prepare()
    found: Callable[[Tensor], Tensor] = torch.compile(model, dynamic=False)
    return found


def compiled_for_any_size(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function compiled for tensors of any size, in this process alone."""
    _prepare()
    return torch.compile(function, dynamic=True)


def compiled(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method compiled for its object as it is now and for arguments like those of the first call:
    neither is looked at again, which would take longer than a small step.

    Compiled in this process alone, since a worker may have no children.
    """
    _prepare()
    assert isinstance(method, MethodType)
    # What is compiled is kept by code object: one for each object, or they would be mistaken for
    # each other.
    code = method.__code__.replace(co_name=f"{method.__name__}_{next(_numbers)}")
    plain = method.__func__
    own = FunctionType(code, plain.__globals__, code.co_name, plain.__defaults__, plain.__closure__)
    options: dict[str, Any] = {}
    if hasattr(torch.compiler, "skip_all_guards_unsafe"):
        options = {"options": {"guard_filter_fn": torch.compiler.skip_all_guards_unsafe}}
    return torch.compile(MethodType(own, method.__self__), dynamic=False, **options)
