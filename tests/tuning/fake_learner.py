"""A learner that trains nothing: what becomes of a trial is told beforehand."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from a3b_tune.training import BadSnapshot, Diverged, Epoch, Recipe, Stopped
from a3b_tune.training.learner import Look
from a3b_tune.training.shape import MEMBER_SETTINGS, Shape
from a3b_tune.training.snapshot import Facts, pack, read_facts


class Foul(BaseException):
    """Whoever uses the learner broke a rule; not to be taken for a fault of the learner."""


@dataclass(frozen=True)
class Fate:
    """What a trial does: its accuracies (or bits) by epoch, the last of which stays, until at an
    epoch it diverges or raises an error. An epoch lasts some `seconds`, or so it says."""

    accuracies: tuple[float, ...] = (0.5,)
    diverges: int | None = None
    error: Exception | None = None
    breaks: int | None = None
    seconds: float = 0.01


@dataclass
class FakeLearner:
    """Keeps to the rules of a learner and complains of whoever breaks them."""

    shape: Shape
    slots: int
    should_stop: Callable[[], bool]
    fate: Callable[[Recipe], Fate]
    most: int
    members: dict[int, tuple[Recipe, int]] = field(default_factory=dict)
    added: int = 0
    spoiled: set[int] = field(default_factory=set)
    within: bool = False
    finals: int = 0

    @property
    def room(self) -> int:
        return self.slots - len(self.members)

    def add(self, recipe: Recipe, saved: bytes | None = None) -> int:
        rule(self.room > 0, "no slot is free")
        rule(all(dict(self.shape.settings)[k] == v for k, v in parts(recipe)), "another shape")
        if self.slots > self.most and len(self.members) >= self.most:
            raise MemoryError
        done = 0 if saved is None else self._done(recipe, saved)
        self.added += 1
        self.members[self.added] = (recipe, done)
        return self.added

    def save(self, member: int) -> bytes:
        rule(not self.within, "the last epoch was not ended")
        rule(member not in self.spoiled, "a member that has diverged is to be removed")
        recipe, done = self.members[member]
        nothing = {"nothing": torch.zeros(1)}
        return pack(Facts(done, done, recipe.seed, recipe.optimizer.name), nothing)

    def _done(self, recipe: Recipe, saved: bytes) -> int:
        facts = read_facts(saved)
        if (facts.seed, facts.optimizer) != (recipe.seed, recipe.optimizer.name):
            raise BadSnapshot("snapshot: of another trial")
        if facts.epochs >= recipe.training.rounds:
            raise BadSnapshot("snapshot: no epoch is left")
        return facts.epochs

    def remove(self, member: int) -> None:
        del self.members[member]
        self.spoiled.discard(member)

    def epoch(self) -> dict[int, Epoch | Diverged]:
        rule(bool(self.members), "an epoch of nothing")
        rule(not self.spoiled, "a member that has diverged is to be removed")
        rule(not self.within, "the last epoch was not ended")
        self.within = True
        if self.should_stop():
            raise Stopped
        found = {member: self._next(member) for member in list(self.members)}
        self.within = False
        return found

    def _next(self, member: int) -> Epoch | Diverged:
        recipe, done = self.members[member]
        number, fate = done + 1, self.fate(recipe)
        rule(number <= recipe.training.rounds, "beyond the trial's epochs")
        if fate.error is not None and number == fate.breaks:
            raise type(fate.error)(*fate.error.args)
        if number == fate.diverges:
            self.spoiled.add(member)
            return Diverged(f"in epoch {number}")
        self.members[member] = (recipe, number)
        accuracy = fate.accuracies[min(number, len(fate.accuracies)) - 1]
        last = number == recipe.training.rounds
        text = recipe.training.steps is not None
        return Epoch(
            *(number, 1.0, accuracy, 0.5, recipe.optimizer.lr, fate.seconds, 0.001),
            scores=(scores(accuracy) | (final(accuracy) if last else {})) if text else {},
            looks=(Look(number, 1.0, 0.5, 0.1),) if text else (),
            sample=f"seed of a sample {number}" if text else None,
        )

    def final(self, member: int) -> dict[str, float]:
        rule(not self.within, "the last epoch was not ended")
        recipe, done = self.members[member]
        rule(0 < done < recipe.training.rounds, "the last epoch has these scores by itself")
        self.finals += 1
        if self.should_stop():
            raise Stopped
        return final(self.fate(recipe).accuracies[-1])

    def model_bytes(self, member: int) -> bytes:
        recipe, done = self.members[member]
        rule(done > 0, "nothing is learned yet")
        return f"model of seed {recipe.seed} after {done}".encode()


def scores(bits: float) -> dict[str, float]:
    """What an evaluation on toy tells beside the bits."""
    return {"bits_error": 0.02, "bits_all": bits + 0.1, "excess": bits - 0.548}


def final(bits: float) -> dict[str, float]:
    """What is made at a trial's end."""
    return {"final_bits": bits + 0.001, "final_excess": bits - 0.547}


def rule(kept: bool, text: str) -> None:
    if not kept:
        raise Foul(text)


def parts(recipe: Recipe) -> list[tuple[str, object]]:
    """What the shape must say of a recipe."""
    found = {f"model.{key}": value for key, value in recipe.model.items()}
    found["training.batch_size"] = recipe.training.batch_size
    return [(key, value) for key, value in found.items() if key not in MEMBER_SETTINGS]


@dataclass
class Fakes:
    """Opens fake learners and says how large they are; remembers what it was asked.

    :param fate: what becomes of a recipe.
    :param most: the most members that memory has room for.
    """

    fate: Callable[[Recipe], Fate] = lambda recipe: Fate()
    asked: int = 8
    most: int = 1_000_000
    opened: list[FakeLearner] = field(default_factory=list)
    too_many: list[int] = field(default_factory=list)

    def open_learner(self, shape, prepared, slots, should_stop, epochs_ahead) -> FakeLearner:
        learner = FakeLearner(shape, slots, should_stop, self.fate, self.most)
        self.opened.append(learner)
        return learner

    def size(self, shape, most) -> int:
        return min(self.asked, most)

    def too_large(self, shape, slots) -> int:
        self.too_many.append(slots)
        self.asked = max(1, slots // 2)
        return self.asked
