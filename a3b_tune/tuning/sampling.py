"""Which settings a trial gets: Optuna's samplers over the ranges of a study file.

Knows no storage layout beyond Optuna's own and trains nothing.
"""

import hashlib
import importlib.util
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.errors import InputError
from a3b_tune.study import Choices, Range, Scalar, StudyFile
from a3b_tune.training.checks import accepted

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


def distribution(setting: Range | Choices) -> BaseDistribution:
    """Optuna's word for a range or a choice."""
    if isinstance(setting, Choices):
        return CategoricalDistribution(setting.choices)
    if setting.integer:
        low, high = int(setting.low), int(setting.high)
        return IntDistribution(low, high, setting.log, int(setting.step or 1))
    return FloatDistribution(float(setting.low), float(setting.high), setting.log, setting.step)


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
    draws what an unbroken one would have drawn. Samplers keep their state in the storage.
    """
    seed = derived_seed(file.study.seed, number, "sampler")
    spec = file.study.sampler
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match spec.name:
            case "random":
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
            case "grid":
                return optuna.samplers.GridSampler(_grid(file), seed=file.study.seed)
        return optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=spec.startup_trials,
            # Settings that only one kind of model has are sampled with their own kind.
            group=isinstance(file.model["name"], Choices),
        )


def _grid(file: StudyFile) -> dict[str, list[Any]]:
    """Every value of every searched setting; the study file has been checked to be finite."""
    return {name: _points(setting) for name, setting in file.searched().items()}


def _points(setting: Range | Choices) -> list[Any]:
    if isinstance(setting, Choices):
        return list(setting.choices)
    if setting.integer:
        return list(range(int(setting.low), int(setting.high) + 1, int(setting.step or 1)))
    assert setting.step is not None
    count = int((setting.high - setting.low) / setting.step + 1e-9)
    return [setting.low + k * setting.step for k in range(count + 1)]


def draw(study: optuna.Study, file: StudyFile, trial: FrozenTrial) -> Draw:
    """Draws the searched settings of a running trial that has none yet.

    Settings that were trained before are drawn again, since a second run of the same point says
    little; where ten draws find nothing new the last one stands, to be run with a new seed.
    """
    sampler = build_sampler(file, trial.number)
    sampler.before_trial(study, trial)
    trial = study._storage.get_trial(trial._trial_id)
    searched = {name: distribution(setting) for name, setting in file.searched().items()}
    tried = _tried(study, trial.number, has_params=bool(searched))
    attempts = 1 if file.study.sampler.name == "grid" or _exhausted(searched, tried) else DRAWS
    params: dict[str, Any] = {}
    for _ in range(attempts):
        params = _draw_once(study, sampler, trial, searched, file)
        if _key(params) not in tried:
            break
    chosen = {name: searched[name] for name in params}
    return Draw(params, chosen, tried.get(_key(params)))


def _draw_once(
    study: optuna.Study,
    sampler: BaseSampler,
    trial: FrozenTrial,
    searched: Mapping[str, BaseDistribution],
    file: StudyFile,
) -> dict[str, Any]:
    relative_space = sampler.infer_relative_search_space(study, trial)
    relative = sampler.sample_relative(study, trial, relative_space)
    asked_for = trial.system_attrs.get("fixed_params", {})
    params: dict[str, Any] = {}
    # The kind of model first: it decides which other settings there are.
    for name in sorted(searched, key=lambda name: name != "model.name"):
        kind = params.get("model.name", file.model["name"])
        if not applies(name, str(kind)):
            continue
        if name in asked_for:
            params[name] = asked_for[name]
        elif name in relative and searched[name]._contains(
            searched[name].to_internal_repr(relative[name])
        ):
            params[name] = relative[name]
        else:
            params[name] = sampler.sample_independent(study, trial, name, searched[name])
    return params


def applies(setting: str, model: str) -> bool:
    """Whether a kind of model takes a setting; settings outside `[model]` always apply."""
    section, _, key = setting.partition(".")
    return section != "model" or key == "name" or key in accepted(model)


def whole_settings(file: StudyFile, params: Mapping[str, Any]) -> dict[str, Scalar]:
    """All settings of a trial, drawn and fixed, in the study file's order."""
    kind = str(params.get("model.name", file.model["name"]))
    fixed = file.fixed()
    return {
        name: params[name] if name in params else fixed[name]
        for name in file.settings()
        if applies(name, kind) and (name in params or name in fixed)
    }


def _tried(
    study: optuna.Study, own: int, *, has_params: bool
) -> dict[tuple[tuple[str, Any], ...], int]:
    """The settings of all other trials that did not fail, and the first trial with each. A trial
    that has no parameters where there should be some has not drawn them yet."""
    tried: dict[tuple[tuple[str, Any], ...], int] = {}
    for trial in study.get_trials(deepcopy=False):
        drawn = bool(trial.params) or not has_params
        if drawn and trial.number != own and trial.state != TrialState.FAIL:
            tried.setdefault(_key(trial.params), trial.number)
    return tried


def _key(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(params.items()))


def _exhausted(
    searched: Mapping[str, BaseDistribution], tried: Mapping[tuple[tuple[str, Any], ...], int]
) -> bool:
    """True where every point of a finite space has been tried."""
    size = 1
    for space in searched.values():
        if isinstance(space, CategoricalDistribution):
            size *= len(space.choices)
        elif isinstance(space, IntDistribution):
            size *= (space.high - space.low) // space.step + 1
        else:
            return False
    return len(tried) >= size
