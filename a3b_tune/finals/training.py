"""One trial's settings trained for good, on one seed or on several, and scored at the very end.

A training goes as far as the trial's best epoch along the trial's own schedule: that is the model
that the search valued. What it is scored on is not read before. Knows neither how a trial is chosen
nor where the model goes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from torch import nn

from a3b_tune.errors import InputError
from a3b_tune.finals.weights import unpack_weights
from a3b_tune.study import Scalar
from a3b_tune.training import Diverged, Epoch, PlainLearner, Prepared, Recipe, recipe_from
from a3b_tune.training.learner import never, out_of_memory
from a3b_tune.training.part import Scored
from a3b_tune.training.pretrained import checkpoint_of
from a3b_tune.training.progress import WEIGHTS
from a3b_tune.training.rows_part import RowsPart
from a3b_tune.training.shape import Shape
from a3b_tune.training.stack_size import StackSizes
from a3b_tune.training.stacked import StackedLearner
from a3b_tune.training.text_part import TextPart


@dataclass(frozen=True)
class Chosen:
    """A trial by its `number`, its settings, the `seed` of its search, the `value` that the search
    said it has, and after how many `rounds` (epochs, or evaluations of a text)."""

    number: int
    settings: Mapping[str, Scalar]
    seed: int
    value: float
    rounds: int


@dataclass(frozen=True)
class Begun:
    """These seeds are trained together now, in rounds of so many `steps`."""

    seeds: tuple[int, ...]
    steps: int


@dataclass(frozen=True)
class Told:
    """A round of one seed is done."""

    seed: int
    epoch: Epoch


@dataclass(frozen=True)
class Ended:
    """One seed: `value` and `scores` of its model at the end, or the `fault` for which it has
    none."""

    seed: int
    epochs: tuple[Epoch, ...]
    value: float | None = None
    scores: Mapping[str, float] | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Made:
    """All seeds, and the model of the first: never the one that scored best, for that would be a
    choice by what is to be measured."""

    model: nn.Module
    seeds: tuple[Ended, ...]


@dataclass(frozen=True)
class Scoring:
    """A seed's model is scored at the end."""

    seed: int


Notify = Callable[[Begun | Told | Scoring], None]

# How a learner's snapshot calls weights.
PREFIX = f"{WEIGHTS}."
# Windows of a text's test part, drawn once for all models; equal ones are scored once.
WINDOWS = 20_000


class FinalTraining:
    """Trains a trial's settings on `prepared`; scored on the validation part of `test`, or, without
    one, on its own.

    :param should_stop: asked at each step.
    :param notify: hears of what begins, and of each round of each seed.
    """

    def __init__(
        self,
        prepared: Prepared,
        chosen: Chosen,
        test: Prepared | None = None,
        should_stop: Callable[[], bool] = never,
        notify: Notify = lambda told: None,
    ) -> None:
        self._prepared = prepared
        self._chosen = chosen
        self._test = test
        self._should_stop = should_stop
        self._notify = notify
        self._sizes = StackSizes(prepared)
        self._shape = Shape.of(chosen.settings)
        self._kept: tuple[int, nn.Module | None] = (-1, None)

    @property
    def _part(self) -> RowsPart | TextPart:
        return self._prepared.part(self._recipe(0))

    def __call__(self, seeds: Sequence[int]) -> Made:
        """Trains on each seed.

        :raises Stopped: `should_stop` said so.
        :raises InputError: the first seed, whose model is asked for, came to nothing.
        """
        self._kept = (seeds[0], None)
        ended = list(self._all(seeds))
        model = self._kept[1]
        if model is None or ended[0].fault:
            fault = ended[0].fault
            raise InputError(f"seed {seeds[0]} came to nothing ({fault}); try another --seed")
        return Made(model.cpu().eval(), tuple(ended))

    def _all(self, seeds: Sequence[int]) -> Iterator[Ended]:
        slots, left = self._sizes.size(self._shape, len(seeds)), list(seeds)
        while left:
            group = left[:slots]
            steps = len(self._part.batches(self._recipe(0).training))
            self._notify(Begun(tuple(group), steps))
            try:
                ended = self._stack(group) if len(group) > 1 else [self._alone(group[0])]
            except RuntimeError as error:
                if slots == 1 or not out_of_memory(error):
                    raise
                slots = self._sizes.too_large(self._shape, slots)
            else:
                yield from ended
                left = left[len(group) :]

    def _alone(self, seed: int) -> Ended:
        learner = PlainLearner(self._recipe(seed), self._prepared, self._should_stop)
        epochs: list[Epoch] = []
        try:
            while len(epochs) < self._chosen.rounds:
                epochs.append(learner.epoch())
                self._notify(Told(seed, epochs[-1]))
        except Diverged as error:
            return Ended(seed, tuple(epochs), fault=f"diverged: {error}")
        return self._scored(seed, epochs, learner.model)

    def _stack(self, seeds: Sequence[int]) -> list[Ended]:
        rounds = self._chosen.rounds
        stack = StackedLearner(self._shape, self._prepared, len(seeds), self._should_stop, rounds)
        members = {stack.add(self._recipe(seed)): seed for seed in seeds}
        epochs: dict[int, list[Epoch]] = {seed: [] for seed in seeds}
        faults: dict[int, str] = {}
        for _ in range(rounds):
            for member, epoch in stack.epoch().items() if members else ():
                if isinstance(epoch, Diverged):
                    faults[members.pop(member)] = f"diverged: {epoch}"
                    stack.remove(member)
                else:
                    epochs[members[member]].append(epoch)
                    self._notify(Told(members[member], epoch))
        saved = {seed: stack.save(member) for member, seed in members.items()}
        return [
            Ended(seed, tuple(epochs[seed]), fault=faults[seed])
            if seed in faults
            else self._scored(seed, epochs[seed], self._model(seed, saved.pop(seed)))
            for seed in seeds
        ]

    def _model(self, seed: int, saved: bytes) -> nn.Module:
        """A member's model, from what a learner saves of it."""
        model = self._prepared.model(self._recipe(seed))
        weights = {
            name.removeprefix(PREFIX): tensor
            for name, tensor in unpack_weights(saved)[1].items()
            if name.startswith(PREFIX)
        }
        model.load_state_dict(weights, strict=False)
        return model

    def _scored(self, seed: int, epochs: Sequence[Epoch], model: nn.Module) -> Ended:
        if seed == self._kept[0]:
            self._kept = (seed, model)
        self._notify(Scoring(seed))
        recipe = self._recipe(seed)
        if self._test is not None:
            scored = _tested(model, recipe, self._test, self._part.longest, self._should_stop)
            value, scores = scored.value, scored.scores
        else:
            value, scores = epochs[-1].value, dict(epochs[-1].scores)
            if self._chosen.rounds < recipe.training.rounds:
                scores |= self._part.final(model, recipe, self._should_stop)
        fault = None if isfinite(value) else f"scored {value}"
        return Ended(seed, tuple(epochs), value, dict(scores), fault)

    def _recipe(self, seed: int) -> Recipe:
        """Without what only shows how a training goes; before a test its last scores, too, come
        from elsewhere."""
        recipe = recipe_from(self._chosen.settings, seed)
        recipe = replace(recipe, samples=replace(recipe.samples, length=0))
        if self._test is None:
            return recipe
        return replace(recipe, training=replace(recipe.training, final_batches=0))


def _tested(
    model: nn.Module,
    recipe: Recipe,
    test: Prepared,
    longest: int,
    should_stop: Callable[[], bool],
) -> Scored:
    """The model's scores on the test part: of rows on all of them, of a text on windows that are
    the same for all models."""
    part = test.part(recipe)
    if isinstance(part, RowsPart):
        if checkpoint_of(recipe.model) is None:
            # Rows of the test may be longer than any that a model has positions for.
            cut = [(tokens[:, :longest], y, counts) for tokens, y, counts in part.validation]
            part = replace(part, validation=cut)
        return part.score(model, recipe, False, should_stop)
    training = replace(recipe.training, windows=WINDOWS)
    return part.score(model, replace(recipe, training=training), False, should_stop)
