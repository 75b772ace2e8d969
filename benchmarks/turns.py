"""Several sides measured in turn, each by processes of its own that wait while another's turn is.

Knows no model: a side is a function that is given a `Job` and calls `job.done` after each epoch.
Its start-up (imports, data, compiling, the first epoch) is over before its first turn.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

import torch

from a3b_tune.data.load import load
from benchmarks.peers import script, stacked, tuned
from benchmarks.peers.work import Job, Work

SIDES: dict[str, Callable[[Job], None]] = {
    "script": script.run,
    "tuned": tuned.run,
    "tuned+compile": tuned.run,
    "stack": stacked.run,
    "stack+compile": stacked.run,
}


class Over(Exception):
    """Nothing more is to be measured."""


@dataclass
class Turns:
    """Counts the epochs of a turn; between two turns it keeps its process waiting."""

    pipe: Connection
    until: float = 0.0
    began: float | None = None
    epochs: int = 0

    def __call__(self, members: int, accuracy: float) -> None:
        now = perf_counter()
        if self.began is None:
            self.pipe.send(None)
        else:
            self.epochs += members
            if now < self.until:
                return
            self.pipe.send((self.epochs / (now - self.began), accuracy))
        seconds = self.pipe.recv()
        if seconds is None:
            raise Over
        self.epochs, self.began = 0, perf_counter()
        self.until = self.began + seconds


@dataclass(frozen=True)
class Cell:
    """What all sides of a cell have in common."""

    work: Work
    slots: int
    device: str = "cpu"
    data_dir: Path | None = None


def work_on(side: str, cell: Cell, seed: int, pipe: Connection) -> None:
    """What a side's process does."""
    torch.set_num_threads(1)
    dataset = load(cell.work.data, data_dir=cell.data_dir)
    compiled = side.endswith("+compile")
    device = torch.device(cell.device)
    job = Job(cell.work, dataset, device, seed, Turns(pipe), compiled, cell.slots)
    with suppress(Over, EOFError, BrokenPipeError):
        SIDES[side](job)


class Side:
    """The processes of one side, all of them in the same cell."""

    def __init__(self, side: str, cell: Cell, processes: int) -> None:
        context = get_context("spawn")
        self.name = side
        self.pipes: list[Connection] = []
        self.processes: list[BaseProcess] = []
        for seed in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=work_on, args=(side, cell, seed, theirs), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)

    def warm(self) -> None:
        """Returns when every process has its first epoch behind it."""
        for pipe in self.pipes:
            self._answer(pipe)

    def turn(self, seconds: float) -> tuple[float, float]:
        """All processes at once for so long, each to the end of its epoch: their trial-epochs per
        second together, and the best accuracy that the last epoch of one of them had."""
        for pipe in self.pipes:
            pipe.send(seconds)
        answers = [self._answer(pipe) for pipe in self.pipes]
        return sum(rate for rate, _ in answers), max(accuracy for _, accuracy in answers)

    def _answer(self, pipe: Connection) -> tuple[float, float]:
        try:
            answer: tuple[float, float] = pipe.recv()
            return answer
        except EOFError:
            sys.exit(f"a process of the side '{self.name}' died; its error stands above")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            pipe.close()
            process.join()
