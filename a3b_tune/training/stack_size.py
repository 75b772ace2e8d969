"""How many members a stack gets: measured for a shape once, then remembered.

More members share the cost of each operation until their numbers no longer fit the cache, so time
per member falls and rises again. Knows neither trials nor budgets.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import torch

from a3b_tune import __version__
from a3b_tune.data.places import user_cache
from a3b_tune.errors import InputError
from a3b_tune.training.device import describe_device
from a3b_tune.training.learner import out_of_memory
from a3b_tune.training.plain import PlainLearner
from a3b_tune.training.prepared import Prepared
from a3b_tune.training.recipe import Recipe, recipe_from
from a3b_tune.training.shape import Shape
from a3b_tune.training.stackable import obstacle, stacks
from a3b_tune.training.stacked import StackedLearner

# Steps that are timed at each size; the quickest counts.
STEPS = 6
# Seconds of one model's step above which a core is busy with work, not with Python.
LARGE = 0.02
# A size must be this much faster per member than half of it.
GAIN = 0.9
# The share of free memory that one stack may take; other workers have their own.
SHARE = 0.2
# Sizes above this are not tried: a search that long learns little from so many at once.
MOST = 256


def check_stack(asked: str) -> None:
    """InputError where `--stack` is neither `auto` nor a whole number from 1."""
    if asked != "auto" and not (asked.isdecimal() and int(asked) >= 1):
        raise InputError(f"--stack: {asked!r} is neither auto nor a whole number from 1")


def _silent(text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Measured:
    """The best size of a shape, and the largest that was tried."""

    best: int
    tried: int

    def answers(self, most: int) -> bool:
        """Whether nothing is left to measure: time had risen again, or `most` was reached."""
        return self.best < self.tried or self.tried >= most


class StackSizes:
    """Sizes of stacks on this machine, for one prepared data set."""

    def __init__(
        self, prepared: Prepared, asked: str = "auto", warn: Callable[[str], None] = _silent
    ) -> None:
        """`warn` is told, perhaps often, of a model that cannot be stacked."""
        check_stack(asked)
        self._warn = warn
        self._prepared = prepared
        self._asked = asked
        self._limits: dict[Shape, int] = {}
        self._file = user_cache() / "a3b-tune" / "stack_sizes.json"
        self._about = [
            __version__,
            torch.__version__,
            describe_device(prepared.device),
            prepared.dataset.data_hash,
        ]

    def size(self, shape: Shape, most: int) -> int:
        """How many members a stack of a shape gets, 1 to `most`."""
        most = max(1, min(most, self._limits.get(shape, most)))
        if most > 1 and not self._stacks(shape):
            return 1
        if self._asked != "auto":
            return min(int(self._asked), most)
        if most == 1:
            return 1
        most = min(most, MOST)
        known = self._read().get(self._key(shape))
        if known is None or not known.answers(most):
            known = self._measure(shape, most)
            self._write(shape, known)
        return min(known.best, most)

    def _stacks(self, shape: Shape) -> bool:
        name = str(dict(shape.settings)["model.name"])
        if not stacks(name):
            return False
        why = obstacle(shape)
        if why is not None:
            self._warn(f"model {name} cannot be stacked ({why}): its trials run one by one")
        return why is None

    def too_large(self, shape: Shape, slots: int) -> int:
        """Half of a size that ran out of memory, not to be exceeded from now on."""
        self._limits[shape] = max(1, slots // 2)
        return self._limits[shape]

    def _measure(self, shape: Shape, most: int) -> Measured:
        """Doubles the members while that makes a member's step cheaper and memory allows it."""
        prepared = self._prepared
        alone = PlainLearner(_recipe(shape, 0), prepared).step_seconds(STEPS)
        if alone > LARGE:
            return Measured(1, 2)
        best, least, slots, missed = 1, alone, 1, 0
        while slots < most and missed < 2:
            slots = min(2 * slots, most)
            seconds = self._step_seconds(shape, slots)
            if seconds is None:
                # How much memory is free is another matter on another day: not to be remembered.
                self._limits[shape] = best
                return Measured(best, best)
            missed += 1
            if seconds < GAIN * least:
                best, least, missed = slots, seconds, 0
        return Measured(best, slots)

    def _step_seconds(self, shape: Shape, slots: int) -> float | None:
        """A member's share of a step of a full stack; None where it, or one of twice the size, does
        not fit into memory."""
        free = _free(self._prepared.device)
        try:
            learner = StackedLearner(shape, self._prepared, slots)
            for seed in range(slots):
                learner.add(_recipe(shape, seed))
            if learner.step_bytes() > SHARE * free:
                return None
            return learner.step_seconds(STEPS) / slots
        except (MemoryError, RuntimeError) as error:
            if out_of_memory(error):
                return None
            raise

    def _key(self, shape: Shape) -> str:
        text = json.dumps([self._about, shape.settings])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _read(self) -> dict[str, Measured]:
        """What is remembered; nothing where the file is not there or is not what it should be."""
        try:
            stored = json.loads(self._file.read_text())
            return {key: Measured(int(best), int(tried)) for key, (best, tried) in stored.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _write(self, shape: Shape, found: Measured) -> None:
        """Remembers a size. Two workers at once may lose one of theirs, which is measured again."""
        known = {**self._read(), self._key(shape): found}
        text = json.dumps({key: [m.best, m.tried] for key, m in known.items()})
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part = self._file.with_suffix(f".{os.getpid()}")
            part.write_text(text)
            part.replace(self._file)
        except OSError:
            return


def _recipe(shape: Shape, seed: int) -> Recipe:
    return recipe_from(dict(shape.settings), seed)


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
