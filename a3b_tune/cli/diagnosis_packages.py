"""Whether the packages that a3b-tune needs are here, and what any check of this machine answers.

Looks and changes nothing.
"""

import importlib.metadata
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """One answer. `advice` says what to do, where something is to be done."""

    name: str
    status: Status
    text: str
    advice: str | None = None


def packages() -> Iterator[Check]:
    """Python and every package a3b-tune needs, against the ranges it was made for; its extras."""
    about = importlib.metadata.metadata("a3b-tune")
    needed = [Requirement(text) for text in importlib.metadata.requires("a3b-tune") or []]
    python = platform.python_version()
    told = [f"a3b-tune {about['Version']}", f"python {python}"]
    if not SpecifierSet(about["Requires-Python"] or "").contains(python, prereleases=True):
        advice = f"use Python {about['Requires-Python']}"
        yield Check("packages", "problem", f"python {python} is not supported", advice)
    for requirement in needed:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            version = _version(requirement.name)
            told += [f"{requirement.name} {version}"] if version else []
            yield from _misfit(requirement, version)
    yield Check("packages", "ok", ", ".join(told))
    yield Check("extras", "ok", "; ".join(_extras(needed)))


def _misfit(requirement: Requirement, version: str | None) -> Iterator[Check]:
    advice = f"pip install '{requirement}'"
    if version is None:
        yield Check("packages", "problem", f"{requirement.name} is missing", advice)
    elif not requirement.specifier.contains(version, prereleases=True):
        text = f"{requirement.name} {version} is not {requirement.specifier}"
        yield Check("packages", "problem", text, advice)


def _extras(needed: list[Requirement]) -> Iterator[str]:
    """`parquet: pyarrow 26.0`, or how to get it."""
    provided = importlib.metadata.metadata("a3b-tune").get_all("Provides-Extra") or []
    for extra in provided:
        if extra in ("all", "dev"):
            continue
        names = [
            each.name
            for each in needed
            if each.marker is not None
            and each.marker.evaluate({"extra": extra})
            and not each.marker.evaluate({"extra": ""})
        ]
        if all(_version(name) for name in names):
            yield f"{extra}: " + ", ".join(f"{name} {_version(name)}" for name in names)
        else:
            yield f"{extra}: no (pip install 'a3b-tune[{extra}]')"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
