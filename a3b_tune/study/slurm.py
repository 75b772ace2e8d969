"""The table [slurm] of a study file: options of `sbatch` by their long names, passed through.

Knows how an option may look and which ones a3b-tune sets itself; nothing of what the others mean.
"""

import re
from collections.abc import Iterable, Mapping

from a3b_tune.errors import InputError
from a3b_tune.study.kinds import SettingError
from a3b_tune.study.scalars import Scalar, checked, parse_scalar, shown

OPTION = r"[a-z][a-z0-9-]+"
OWN = {
    "array": "see --workers and --array-limit",
    "output": "see --log-dir",
    "error": "see --log-dir",
    **dict.fromkeys(("job-name", "open-mode", "requeue", "no-requeue", "signal"), ""),
    **dict.fromkeys(("export", "export-file", "hold", "input", "parsable", "test-only"), ""),
    **dict.fromkeys(("help", "usage", "version", "wait", "wrap"), ""),
}
"""What a person may not set, with where to look instead."""

# What would end a quoted value in a batch script, or hide that it has ended.
QUOTES = ("'", '"', "\\")

Options = dict[str, Scalar]
"""`true` stands for an option without a value, `false` for one that is left out."""


def read_options(table: object) -> Options:
    """The options that a table names; `_` in a name is read as `-`. Raises SettingError."""
    if not isinstance(table, Mapping):
        raise ValueError(f"must be a section, [slurm], not {shown(table)}")
    options: Options = {}
    for key, value in table.items():
        try:
            name = _name(str(key))
        except ValueError as error:
            raise SettingError("slurm", str(error)) from None
        try:
            options[name] = _value(value)
        except ValueError as error:
            raise SettingError(f"slurm.{key}", str(error)) from None
    return options


def parse_options(assignments: Iterable[str], where: str) -> Options:
    """The options that `KEY=VALUE`s of the command line name. Raises InputError that begins with
    `where`."""
    options: Options = {}
    for assignment in assignments:
        key, equals, value = (part.strip() for part in assignment.partition("="))
        if not equals or not value:
            raise InputError(f"{where}: {shown(assignment)} sets nothing; write partition=gpu, say")
        try:
            options[_name(key)] = _value(parse_scalar(value))
        except ValueError as error:
            raise InputError(f"{where} {shown(assignment)}: {error}") from None
    return options


def _name(key: str) -> str:
    name = key.replace("_", "-")
    if not re.fullmatch(OPTION, name):
        raise ValueError(f"an option of sbatch is a long name like partition, not {shown(key)}")
    # sbatch completes a name that was cut short.
    for own, hint in OWN.items():
        if own.startswith(name):
            raise ValueError(f"a3b-tune sets {own} itself" + (f"; {hint}" if hint else ""))
    return name


def _value(value: object) -> Scalar:
    if isinstance(value, Mapping | list):
        raise ValueError(f"must be one value (it is never searched), not {shown(value)}")
    value = checked(value)
    if isinstance(value, str) and any(quote in value for quote in QUOTES):
        raise ValueError(f"must hold no quotes and no backslash, not {shown(value)}")
    return value
