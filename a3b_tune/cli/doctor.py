"""The command `doctor`: what would go wrong on this machine, and what to do about it.

Knows how answers are shown; the questions are asked by `diagnosis`.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from a3b_tune.cli.options import DataDirOption, JsonOption, StorageOption

if TYPE_CHECKING:
    from rich.console import Console

    from a3b_tune.cli.diagnosis_packages import Check

STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def doctor(
    storage: StorageOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False
) -> None:
    """Check this machine: packages, cores, memory, GPUs, storage, disk, data.

    Each line is ok, a warning or a problem; with a problem the exit code is 1.

    Examples:

    - `a3b-tune doctor`
    - `a3b-tune doctor --storage postgresql://me@db.example.org/studies`
    """
    from rich.console import Console

    from a3b_tune.cli.diagnosis import diagnose

    checks = diagnose(storage, data_dir)
    counts: Counter[str] = Counter(check.status for check in checks)
    if as_json:
        told = {"ok": not counts["problem"], "checks": [vars(check) for check in checks]}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(Console(), checks, counts)
    if counts["problem"]:
        raise typer.Exit(1)


def _print(console: "Console", checks: Sequence["Check"], counts: Counter[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    from a3b_tune.cli.figures import count
    from a3b_tune.cli.printing import print_trim

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for check in checks:
        text = Text(check.text)
        if check.advice:
            text.append(f"\n{check.advice}", style=STYLES[check.status])
        grid.add_row(Text(check.status, style=STYLES[check.status]), check.name, text)
    print_trim(console, grid)
    problems, warnings = count(counts["problem"], "problem"), count(counts["warning"], "warning")
    console.print()
    print_trim(console, Text(f"{problems}, {warnings}"))
