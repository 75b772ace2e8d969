"""Options that several commands share, so that one word means one thing everywhere.

A number is taken as text and read by `whole_number`: Typer's own error does not show the bad value.

Knows no command; imports nothing heavy.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from a3b_tune.errors import InputError

StorageOption = Annotated[
    str | None,
    typer.Option(
        "--storage",
        metavar="URL",
        help="Where studies are kept: sqlite:///FILE.db, postgresql://USER@HOST/DATABASE or "
        "grpc://HOST:PORT. "
        "By default $A3B_TUNE_STORAGE, else a3b-tune.db in this folder.",
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="FOLDER",
        help="Where data files lie. By default $A3B_TUNE_DATA, else a folder in your cache.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]
OwnCodeOption = Annotated[
    bool,
    typer.Option(
        "--own-code",
        help="Import the module of a model that is a class of its own (package.module:Class). Only "
        "for a folder of which you trust who wrote it.",
    ),
]


def whole_number(option: str, text: str, low: int) -> int:
    """The number that was typed for an option.

    :raises InputError: it is none, or below `low`.
    """
    try:
        number = int(text)
    except ValueError:
        raise InputError(f"{option} {text}: must be a whole number") from None
    if number < low:
        raise InputError(f"{option} {text}: must be at least {low}")
    return number


def seconds(text: str, option: str) -> float:
    """The length of time that was typed for an option, in seconds; 0 means none.

    :raises InputError: it is none.
    """
    from a3b_tune.study.kinds import Duration

    if text in ("0", "0s"):
        return 0.0
    try:
        return Duration().check(text)
    except ValueError as error:
        raise InputError(f"{option} {text}: {error}") from None


def complete_from(words: Iterable[str]) -> Callable[[str], list[str]]:
    """What Tab offers for an option that takes one of a few words."""
    known = tuple(words)

    def complete(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return complete
