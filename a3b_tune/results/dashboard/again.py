"""The command that trains a trial's settings once more.

It begins with the shipped study file that needs the fewest changes. Knows no storage.
"""

import shlex
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from a3b_tune.errors import InputError
from a3b_tune.study import Scalar, StudyFile, load, shipped, show_setting
from a3b_tune.study.data_section import DataSection

# Keys of [data] that are no settings of a trial.
DATA = [key for key in DataSection.model_fields if key != "max_length"]


class Again:
    """For the trials of one study."""

    def __init__(self, file: StudyFile) -> None:
        self._file = file
        self._bases: dict[frozenset[str], tuple[str, StudyFile] | None] = {}

    def command(self, number: int, settings: Mapping[str, Scalar]) -> str | None:
        """What to type, a setting on each line, all of them exact; None where no shipped file can
        be its base."""
        keys = frozenset(settings)
        if keys not in self._bases:
            self._bases[keys] = self._base(settings)
        base = self._bases[keys]
        if base is None:
            return None
        name, file = base
        called = _word(f"{self._file.study.name}-{number}")
        lines = [f"a3b-tune run {name} --name {called} --trials 1 --pruner none"]
        lines += [f"--set {change}" for change in self._changes(file, settings)]
        return " \\\n  ".join(lines)

    def _base(self, settings: Mapping[str, Scalar]) -> tuple[str, StudyFile] | None:
        """The shipped file with which the command is shortest. None of its model's settings may be
        one that the trial has not: `--set` cannot take it away."""
        mine = {key for key in settings if key.startswith("model.")}
        fitting = {
            name: file
            for name, file in _shipped().items()
            if file.is_text == self._file.is_text and mine >= set(_model_settings(file))
        }
        return min(
            fitting.items(),
            key=lambda base: sum(1 for _ in self._changes(base[1], settings)),
            default=None,
        )

    def _changes(self, base: StudyFile, settings: Mapping[str, Scalar]) -> Iterator[str]:
        for key in DATA:
            value = getattr(self._file.data, key)
            if value != getattr(base.data, key):
                yield _word(f"data.{key}={'none' if value is None else value}")
        fixed = base.fixed()
        for key, value in settings.items():
            if key not in fixed or fixed[key] != value:
                yield _change(key, value)
        for key in base.settings():
            if key not in settings and key.partition(".")[2] not in ("batch_size", "batch_tokens"):
                yield f"{key}=none"


def _model_settings(file: StudyFile) -> list[str]:
    return [key for key in file.settings() if key.startswith("model.")]


@cache
def _shipped() -> dict[str, StudyFile]:
    try:
        return {name: load(path) for name, path in shipped().items()}
    except InputError:
        return {}


@lru_cache(maxsize=4096)
def _change(key: str, value: Scalar) -> str:
    return _word(f"{key}={show_setting(value)}")


@cache
def _word(text: str) -> str:
    return shlex.quote(text)
