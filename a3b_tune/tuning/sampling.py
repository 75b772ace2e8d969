"""Which settings a trial gets: Optuna's samplers over the ranges of a study file.

Knows no storage layout beyond Optuna's own and trains nothing.
"""

import hashlib
import importlib.util
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.errors import InputError
from a3b_tune.study import Choices, StudyFile
from a3b_tune.training.shape import Shape
from a3b_tune.tuning import records
from a3b_tune.tuning.space import agrees, applies, distribution, draws_within, shape_count
from a3b_tune.tuning.view import View

# Samplers that go through one space in a fixed order, or learn its covariance.
ONE_SPACE = ("cmaes", "qmc")
# How often a draw that was trained before is drawn again before its settings get a new seed.
DRAWS = 10
NEEDS = {"gp": ("scipy",), "cmaes": ("cmaes", "scipy"), "qmc": ("scipy",)}


@dataclass(frozen=True)
class Draw:
    """The searched settings of one trial; `repeats` is the number of an earlier trial that had
    the same ones, where no new ones were found."""

    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    repeats: int | None


def derived_seed(study_seed: int, number: int, purpose: str) -> int:
    """A seed of its own for each trial and purpose, in [0, 2³¹)."""
    text = f"{study_seed}:{number}:{purpose}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") >> 1


def check_sampler(file: StudyFile) -> None:
    """Refuses a sampler whose packages are missing.

    :raises InputError: with the command that installs them.
    """
    name = file.study.sampler.name
    for package in NEEDS.get(name, ()):
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"study.sampler: {name} needs {package}: pip install 'a3b-tune[samplers]'"
            )


def build_sampler(file: StudyFile, number: int) -> BaseSampler:
    """The sampler for the trial of that number.

    Built anew for each trial, with a seed from the trial's number: so a study that was interrupted
    draws what an unbroken one would have drawn. Samplers keep their state in the storage. A grid
    needs none: its trials have their points, and what was not asked for in one is drawn at random.
    """
    seed = derived_seed(file.study.seed, number, "sampler")
    spec = file.study.sampler
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match spec.name:
            case "random" | "grid":
                return optuna.samplers.RandomSampler(seed=seed)
            case "gp":
                return optuna.samplers.GPSampler(seed=seed, warn_independent_sampling=False)
            case "cmaes":
                return optuna.samplers.CmaEsSampler(
                    seed=seed, consider_pruned_trials=True, warn_independent_sampling=False
                )
            case "qmc":
                # Its sequence goes on from trial to trial: the seed is the study's.
                return optuna.samplers.QMCSampler(
                    scramble=True,
                    seed=file.study.seed,
                    warn_asynchronous_seeding=False,
                    warn_independent_sampling=False,
                )
        return optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=spec.startup_trials,
            # Settings that only one kind of model has are sampled with their own kind.
            group=isinstance(file.model["name"], Choices),
        )


class Draws:
    """Draws for trials that this worker has just taken, one after the other.

    Settings that were trained before are drawn again, since a second run of the same point says
    little; where ten draws find nothing new the last one stands, to be run with a new seed.

    :param shape: the shape that all of them must have; None: any.
    """

    def __init__(self, view: View, file: StudyFile, shape: Shape | None = None) -> None:
        self._view = view
        self._file = file
        self._forced = dict(shape.settings) if shape else {}
        self._searched = {name: distribution(s) for name, s in file.searched().items()}
        self._space: dict[str, BaseDistribution] | None = None
        self._tried = _tried(view.trials(), has_params=bool(self._searched))

    def draw(self, trial: FrozenTrial, point: Mapping[str, Any] | None = None) -> Draw:
        """Draws the searched settings of a running trial that has none yet, and notes them in it.

        :param point: the trial's point, where a grid has given it one.
        """
        file, tried = self._file, self._tried
        asked_for = {**(point or {}), **trial.system_attrs.get("fixed_params", {})}
        sampler = build_sampler(file, trial.number)
        sampler.before_trial(self._view.study, trial)
        params: dict[str, Any] = {}
        for _ in range(1 if point or self.left() == 0 else DRAWS):
            params = self._once(sampler, trial, asked_for)
            if _key(params) not in tried:
                break
        repeats = tried.get(_key(params))
        tried.setdefault(_key(params), trial.number)
        chosen = {name: self._searched[name] for name in params}
        trial.params, trial.distributions = params, chosen
        return Draw(params, chosen, repeats)

    def left(self) -> float:
        """How many points of the whole space have not been tried; infinite where it has no end."""
        return max(0.0, shape_count(self._file) * draws_within(self._file) - len(self._tried))

    def left_within(self, shape: Shape) -> float:
        """How many points of a shape have not been tried."""
        tried = sum(agrees(shape, dict(key)) for key in self._tried)
        return max(0.0, draws_within(self._file) - tried)

    def _once(
        self, sampler: BaseSampler, trial: FrozenTrial, asked_for: Mapping[str, Any]
    ) -> dict[str, Any]:
        relative = self._relative(sampler, trial)
        params: dict[str, Any] = {}
        # The kind of model first: it decides which other settings there are.
        for name in sorted(self._searched, key=lambda name: name != "model.name"):
            space = self._searched[name]
            if not applies(name, str(params.get("model.name", self._file.model["name"]))):
                continue
            if name in asked_for:
                params[name] = asked_for[name]
            elif name in self._forced:
                params[name] = self._forced[name]
            elif name in relative and space._contains(space.to_internal_repr(relative[name])):
                params[name] = relative[name]
            else:
                params[name] = sampler.sample_independent(self._view.study, trial, name, space)
        return params

    def _relative(self, sampler: BaseSampler, trial: FrozenTrial) -> dict[str, Any]:
        """What the sampler draws together. Within a shape that is the rest alone (as Optuna's
        `PartialFixedSampler` does), but for samplers whose sequence belongs to one space."""
        space = self._space
        if space is None:
            space = sampler.infer_relative_search_space(self._view.study, trial)
            # No trial ends between two of these draws; but a sampler of groups notes its groups.
            self._space = None if isinstance(self._file.model["name"], Choices) else space
        if self._file.study.sampler.name not in ONE_SPACE:
            space = {name: kind for name, kind in space.items() if name not in self._forced}
        return sampler.sample_relative(self._view.study, trial, space)


Key = tuple[tuple[str, Any], ...]


def _tried(trials: Iterable[FrozenTrial], *, has_params: bool) -> dict[Key, int]:
    """The settings of all trials that did not fail, and the first trial with each. A trial that has
    no parameters where there should be some has not drawn them yet."""
    tried: dict[Key, int] = {}
    for trial in trials:
        drawn = bool(trial.params) or (not has_params and records.RECORD in trial.user_attrs)
        if drawn and trial.state != TrialState.FAIL:
            tried.setdefault(_key(trial.params), trial.number)
    return tried


def _key(params: Mapping[str, Any]) -> Key:
    return tuple(sorted(params.items()))
