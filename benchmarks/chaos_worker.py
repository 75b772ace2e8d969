"""The workers of `chaos.py`: a module of its own, so that it is imported once for all of them."""

import os

import torch

from a3b_tune.data.load import load
from a3b_tune.storage.opening import open_storage
from a3b_tune.training import Prepared
from a3b_tune.training.device import prepare_process
from a3b_tune.tuning import records
from a3b_tune.tuning.loop import Limits, Run
from a3b_tune.tuning.studies import go_on


def work(url: str, trials: int, stack: str, apart: bool) -> None:
    """A worker process; `apart` from the others, as on a machine of its own."""
    if apart:
        name = f"machine of {os.getpid()}"
        records.machine = lambda: name  # type: ignore[assignment]
    prepare_process(torch.device("cpu"))
    stored = go_on(open_storage(url, create=True), "chaos")
    prepared = Prepared(load("xor", rows=320), torch.device("cpu"))
    limits = Limits(trials, None, lambda: None if os.getppid() != 1 else "orphan")
    Run(stored, prepared, limits, lambda event: None, stack=stack, wait=True, patience=60.0)()
