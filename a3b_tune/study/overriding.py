"""Change keys of a study file from the command line: `model.heads=1|2|4`, `study.pruner=median`.

Every change is checked as the file itself is, but for the keys of [model], which are checked where
models are known. Knows nothing of options or of what calls it.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from a3b_tune.errors import InputError, unknown
from a3b_tune.study.data_section import DATA_KEYS, names_file
from a3b_tune.study.file import StudyFile, absolute, check
from a3b_tune.study.kinds import DeviceTime, Duration, Text
from a3b_tune.study.problems import unknown_key, unknown_section
from a3b_tune.study.scalars import Scalar, shown
from a3b_tune.study.section import TEXT_DATA
from a3b_tune.study.sections import SECTIONS, TRAINING_KEYS, keys_of, kind_of, optional
from a3b_tune.study.settings import parse_setting, plain_setting
from a3b_tune.study.specs import SPECS

NONE = "none"
"""Clears a key that may be unset."""

INSTEAD = {"batch_size": "batch_tokens", "batch_tokens": "batch_size"}
"""Keys of [training] that unset each other."""

Plain = dict[str, dict[str, Any]]


def override(file: StudyFile, assignments: Iterable[str], where: str = "--set") -> StudyFile:
    """The file with each `KEY=VALUE` done to it, later ones over earlier ones; batch_tokens and
    batch_size count as one here.

    KEY is dotted (`optimizer.lr`, `study.pruner.min_resource`); VALUE is what `parse_setting`
    reads, or `none` to unset a key that has no value by default (of [model] it stays the word
    none). Raises InputError, one line that begins with `where`.
    """
    plain = file.plain()
    for assignment in assignments:
        key, equals, value = (part.strip() for part in assignment.partition("="))
        if not equals or not value:
            raise InputError(f"{where}: {shown(assignment)} sets nothing; write KEY=VALUE")
        if not re.fullmatch(r"[\w.-]+", key, re.ASCII):
            raise InputError(
                f"{where}: {shown(key)} is no key; write KEY=VALUE, like model.heads=4"
            )
        try:
            _assign(plain, key.split("."), value, _known(file))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    return check(plain, where)


def _known(file: StudyFile) -> list[str]:
    """Every dotted key that can be set, as far as this floor knows."""
    own = [f"model.{key}" for key in file.model]
    return [f"{name}.{key}" for name in SECTIONS if name != "model" for key in keys_of(name)] + own


def _assign(plain: Plain, path: list[str], text: str, known: list[str]) -> None:
    section, key = path[0], path[1] if len(path) > 1 else ""
    if section not in SECTIONS or not key:
        raise InputError(_unknown_path(path, known))
    if len(path) > 2:
        _assign_option(plain, path, text)
    elif section == "model":
        plain["model"][key] = _parsed(path, text)
    elif section == "slurm":
        plain.setdefault("slurm", {})[key] = _parsed(path, text)
    elif section == "samples" and key in keys_of(section):
        plain.setdefault("samples", {})[key] = _parsed(path, text)
    elif key not in keys_of(section):
        raise InputError(unknown_key(section, key))
    else:
        _assign_key(plain, section, key, text)


def _assign_key(plain: Plain, section: str, key: str, text: str) -> None:
    fields = SECTIONS[section]
    kind = kind_of(fields, key) if fields else None
    if section == "training" and key in INSTEAD and text != NONE:
        plain["training"].pop(INSTEAD[key], None)
    if fields and optional(fields, key) and text == NONE:
        plain[section].pop(key, None)
    elif section == "data" and names_file(key, text):
        plain["data"][key] = absolute(text, Path.cwd())
    elif isinstance(kind, Text | Duration | DeviceTime):
        plain[section][key] = text
    else:
        plain[section][key] = _parsed([section, key], text)
    if (section, key) == ("data", "name"):
        _make_room(plain, text)


def _make_room(plain: Plain, data: str) -> None:
    """Takes away what other data does not have, which the file may only hold by default."""
    for section, keys in (("data", DATA_KEYS), ("training", TRAINING_KEYS)):
        here = {k: v for k, v in plain[section].items() if data in keys.get(k, (data,))}
        plain[section] = here
    # Between rows and text these change too.
    if (data in TEXT_DATA) != ("samples" in plain):
        plain["study"].pop("metric", None)
        plain.pop("samples", None)


def _assign_option(plain: Plain, path: list[str], text: str) -> None:
    key = ".".join(path)
    if len(path) > 3 or path[0] != "study" or path[1] not in SPECS:
        raise InputError(f"unknown key {key!r}; only study.sampler and study.pruner have options")
    spec = plain["study"][path[1]]
    fields = spec if isinstance(spec, dict) and path[2] != "name" else {"name": spec}
    plain["study"][path[1]] = {**fields, path[2]: _parsed(path, text)}


def _parsed(path: list[str], text: str) -> Scalar | dict[str, Any]:
    try:
        return plain_setting(parse_setting(text))
    except InputError as error:
        raise InputError(f"{'.'.join(path)}: {error}") from None


def _unknown_path(path: list[str], known: list[str]) -> str:
    """A key that begins with no section: the section, or a key whose last word it may mean."""
    if path[0] in SECTIONS:
        return f"{path[0]!r} is a section; write {path[0]}.KEY=VALUE"
    ends = {key.rpartition(".")[2]: key for key in reversed(known)}
    near = get_close_matches(".".join(path), known, n=1, cutoff=0.75)
    near = near or [ends[end] for end in get_close_matches(path[-1], ends, n=1)]
    if near:
        return f"unknown key {'.'.join(path)!r}; did you mean {near[0]!r}?"
    return unknown_section(path[0]) if len(path) > 1 else unknown("key", path[0], SECTIONS)
