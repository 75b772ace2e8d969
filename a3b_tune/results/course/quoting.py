"""Source as it is installed, quoted with the file and the line where it stands.

Knows no question.
"""

import inspect
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import a3b_tune
from a3b_tune.results.report.blocks import Code

ROOT = Path(a3b_tune.__file__).resolve().parents[1]


def quote(reference: str) -> Code:
    """The source of `module:Name.of.it`, a function, a method or a class."""
    module, _, name = reference.partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    lines, first = inspect.getsourcelines(found)
    path = Path(inspect.getsourcefile(found) or "").resolve().relative_to(ROOT)
    return Code(dedent("".join(lines)).rstrip(), f"{name}, line {first} of {path.as_posix()}")
