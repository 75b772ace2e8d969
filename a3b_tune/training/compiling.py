"""Compiling a step to machine code, where there is a compiler and the time saved repays it.

Knows nothing of models or members.
"""

import os
import shutil
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

# Seconds of training ahead from which compiling is worth its 10 to 20 seconds.
REPAID = 60.0


@cache
def compiler() -> str | None:
    """The C++ compiler that PyTorch would call, None where there is none."""
    names = (os.environ.get("CXX"), "g++", "clang++")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def pays(seconds: float) -> bool:
    """Whether so much training ahead is worth the wait for the compiler."""
    return seconds > REPAID and compiler() is not None


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled for the shapes it is first called with, in this process alone (a worker
    may have no children)."""
    import torch._inductor.config as inductor

    inductor.compile_threads = 1
    # Each width, batch size and stack of a study is a shape of its own.
    torch._dynamo.config.recompile_limit = 256
    return torch.compile(function, dynamic=False)
