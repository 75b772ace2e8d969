"""A text as trials of one window length read it, and how models that predict its next token are
scored: bits on fixed windows after each round, on fresh ones after the last, and a sample.

Knows no learner. Letters: N windows, M tokens that validate, L tokens in a window.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import torch
from torch import Tensor, nn

from a3b_tune.data.text import Judged, Text
from a3b_tune.data.windows import Windows, fixed_windows, fresh_windows
from a3b_tune.models.noise import stream
from a3b_tune.training.bits import mean_and_error, window_bits
from a3b_tune.training.kept_model import pack_model
from a3b_tune.training.part import Crew, Scored
from a3b_tune.training.recipe import Recipe, TrainingRecipe
from a3b_tune.training.sampling import sample
from a3b_tune.training.seeding import seed_place, sentence_starts

# The streams of a trial's seed for what its evaluations draw; its training has others.
SAMPLE, FRESH, JUDGED = 1_000_001, 1_000_002, 1_000_003
# Texts, and tokens of each, that are judged at the end: about 550 sentences of toy.
TEXTS, WRITTEN = 32, 1000


@dataclass
class TextPart:
    """Windows of `longest` tokens of a text, on `device`. `outputs` are the alphabet."""

    text: Text
    longest: int
    device: torch.device
    autocast: torch.autocast
    has_looks = True
    openings = None

    def __post_init__(self) -> None:
        self._batches: dict[tuple[int, int], Windows] = {}
        self._fixed: dict[int, tuple[Tensor, Tensor]] = {}

    @property
    def outputs(self) -> int:
        return len(self.text.alphabet)

    @cached_property
    def train(self) -> Tensor:
        """On the device; where that is the CPU a file stays mapped."""
        return self.text.train.to(self.device)

    @cached_property
    def validation(self) -> Tensor:
        return self.text.validation.to(self.device)

    def batches(self, training: TrainingRecipe) -> Windows:
        """The steps between two evaluations, cut once for all who ask."""
        size, steps = training.batch_size, training.evaluate_every
        if (size, steps) not in self._batches:
            self._batches[size, steps] = Windows(self.train, self.longest, size, steps)
        return self._batches[size, steps]

    def score(
        self, model: nn.Module, recipe: Recipe, last: bool, should_stop: Callable[[], bool]
    ) -> Scored:
        """Bits on the fixed windows, a sample, and with the `last` round the final scores."""
        starts, counts = self._fixed_windows(recipe.training.windows)
        found = self._bits(model, starts, counts, should_stop)
        value = found.pop("bits")
        if not isfinite(value):
            return Scored(value)
        scores = {"bits_error": found.pop("error")}
        scores |= {k if "excess" in k else f"bits_{k}": v for k, v in found.items()}
        if last:
            scores |= self.final(model, recipe, should_stop)
        return Scored(value, scores, self._sample(model, recipe, should_stop))

    def score_all(self, crew: Crew, should_stop: Callable[[], bool]) -> list[Scored]:
        """One member after the other: a window is long enough to keep a core at work, and together
        their numbers would leave the cache."""
        return [
            Scored(float("nan"))
            if crew.failed[row]
            else self.score(crew.alone(row), recipe, crew.last[row], should_stop)
            for row, recipe in enumerate(crew.recipes)
        ]

    def final(
        self, model: nn.Module, recipe: Recipe, should_stop: Callable[[], bool]
    ) -> dict[str, float]:
        """Bits on fresh windows, drawn from the trial's seed, and what the source of the text says
        of sampled sentences, where it is known."""
        training = recipe.training
        count = training.final_batches * training.batch_size
        if not count:
            return {}
        drawn = fresh_windows(self.validation, self.longest, count, _generator(recipe, FRESH))
        # The same window has the same bits: each is scored once and counted as often as drawn.
        starts, counts = torch.unique(drawn.cpu(), return_counts=True)
        found = self._bits(model, starts, counts, should_stop)
        kept = {name: found[name] for name in found if name != "all_error"}
        scores = {"final_bits_error": kept.pop("error"), "final_bits": kept.pop("bits")}
        scores |= {f"final_{k if 'excess' in k else 'bits_' + k}": v for k, v in kept.items()}
        return scores | self._judged(model, recipe, should_stop)

    def packed(self, weights: Mapping[str, Tensor], recipe: Recipe) -> bytes:
        """A model to be kept, its weights by name."""
        return pack_model(weights, recipe.model, self.longest, self.text)

    def _fixed_windows(self, count: int) -> tuple[Tensor, Tensor]:
        if count not in self._fixed:
            drawn = fixed_windows(self.validation, self.longest, count)
            self._fixed[count] = torch.unique(drawn.cpu(), return_counts=True)
        return self._fixed[count]

    def _bits(
        self, model: nn.Module, starts: Tensor, counts: Tensor, should_stop: Callable[[], bool]
    ) -> dict[str, float]:
        """`bits` of the last target and `all` targets, and where the best predictor is known the
        `excess` over it, each with its error."""
        last, mean = window_bits(
            model, self.validation, starts, self.longest, self.autocast, should_stop
        )
        found = {}
        found["bits"], found["error"] = mean_and_error(last, counts)
        found["all"], found["all_error"] = mean_and_error(mean, counts)
        if self.text.ideal is not None:
            more = last - self.text.ideal[starts + self.longest]
            found["excess"], found["excess_error"] = mean_and_error(more, counts)
        return found

    def _sample(
        self, model: nn.Module, recipe: Recipe, should_stop: Callable[[], bool]
    ) -> str | None:
        """A seed from the validation text and what the model writes behind it."""
        wanted = recipe.samples
        if not wanted.length:
            return None
        place = seed_place(self.text, wanted.seed_length)
        seed = self.validation[place : place + wanted.seed_length].long().unsqueeze(0)
        written = self._write(model, recipe, seed, wanted.length, SAMPLE, should_stop)
        return self.text.alphabet.decode(torch.cat([seed, written], 1)[0])

    def _judged(
        self, model: nn.Module, recipe: Recipe, should_stop: Callable[[], bool]
    ) -> dict[str, float]:
        """What the source says of sentences that the model writes, each text begun where one of the
        validation text's begins."""
        judge, length = self.text.judge, recipe.samples.seed_length
        if judge is None:
            return {}
        starts = sentence_starts(self.text, TEXTS, length)
        seeds = torch.stack([self.validation[at - length : at].long() for at in starts])
        written = self._write(model, recipe, seeds, WRITTEN, JUDGED, should_stop)
        found = Judged()
        for row in written:
            found = found.plus(judge(self.text.alphabet.decode(row)))
        scores = {"sentences": float(found.sentences)}
        if found.valid_share is not None:
            scores["valid_share"] = found.valid_share
        if found.mean_bits is not None:
            scores["sentence_bits"] = found.mean_bits
        return scores

    def _write(
        self,
        model: nn.Module,
        recipe: Recipe,
        seeds: Tensor,
        length: int,
        stream_number: int,
        should_stop: Callable[[], bool],
    ) -> Tensor:
        wanted = recipe.samples
        with self.autocast:
            return sample(
                model, seeds, length, longest=self.longest, temperature=wanted.temperature,
                top_k=wanted.top_k, generator=_generator(recipe, stream_number),
                should_stop=should_stop,
            )  # fmt: skip


def _generator(recipe: Recipe, number: int) -> torch.Generator:
    """One of the streams of a trial's seed: the same at each evaluation and in every company."""
    return torch.Generator().manual_seed(stream(recipe.seed, number) & 0x7FFFFFFF)
