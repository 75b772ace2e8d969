"""Where tensors live: the device that was asked for, checked, and the threads it gets.

Knows nothing of trials.
"""

import os
import time
from collections.abc import Callable

import torch

from a3b_tune.errors import InputError, unknown
from a3b_tune.starting import available_cores

PRECISIONS = ("auto", "float32", "tf32", "bfloat16")


def choose_device(asked: str = "auto") -> torch.device:
    """`auto` is the first GPU if there is one, else the CPU; `cuda:1` names one.

    :raises InputError: no such kind of device, or none of it on this machine.
    """
    kind, _, index = asked.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (index and (kind == "auto" or not index.isdigit())):
        raise InputError(f"--device: {unknown('device', asked, ['auto', 'cpu', 'cuda', 'cuda:N'])}")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "auto":
        return torch.device("cuda" if gpus else "cpu")
    if kind == "cuda" and int(index or 0) >= gpus:
        have = f"this machine has {gpus} GPUs" if gpus else "no GPU can be seen on this machine"
        raise InputError(f"--device {asked}: {have}; use --device cpu, or see `a3b-tune doctor`")
    return torch.device(asked)


def visible_gpus(asked: str = "auto") -> tuple[str, ...]:
    """The GPUs that workers may take, as `CUDA_VISIBLE_DEVICES` names them; none where the CPU or
    one certain GPU was asked for."""
    if asked not in ("auto", "cuda") or not torch.cuda.is_available():
        return ()
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    count = torch.cuda.device_count()
    names = [name for name in named.split(",") if name] or [str(index) for index in range(count)]
    return tuple(names[:count])


def check_precision(asked: str, device: torch.device) -> None:
    """Refuses a precision that a device does not have.

    :raises InputError: no such precision, or one that needs a GPU on a CPU.
    """
    if asked not in PRECISIONS:
        raise InputError(f"--precision: {unknown('precision', asked, PRECISIONS)}")
    if device.type == "cpu" and asked not in ("auto", "float32"):
        raise InputError(f"--precision {asked}: needs a GPU; a CPU computes with float32")


def prepare_process(device: torch.device, precision: str = "auto", threads: int = 1) -> None:
    """Sets the threads of this process for training models on a device, and on a GPU how matrices
    are multiplied: with the shorter mantissa of TF32 unless `precision` is float32.

    On a CPU one thread: a step is many tiny operations, and handing them to a second thread costs
    more than it saves (two busy processes with two threads each on two cores were ten times
    slower). More cores are used by more processes. The one worker on a text, whose steps are large,
    is given all of them.
    """
    if device.type == "cpu":
        torch.set_num_threads(threads)
    else:
        torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")


def quickest(action: Callable[[], object], times: int, device: torch.device) -> float:
    """The seconds of the quickest of some runs, after one that is not timed: other work on the
    machine only ever makes it slower."""
    action()
    seconds = []
    for _ in range(times):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        began = time.perf_counter()
        action()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def describe_device(device: torch.device) -> str:
    """One line for a trial's record, for example `cpu (x86_64, 2 cores)`."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({os.uname().machine}, {available_cores()} cores)"
