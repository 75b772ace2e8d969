"""The command `course`: the studies of all questions, and the report that answers them.

Knows how a person asks; what is heavy is imported when it runs.
"""

from pathlib import Path
from typing import Annotated

import typer

from a3b_tune.cli.options import DataDirOption, JsonOption, complete_from
from a3b_tune.cli.search_options import Device, Workers
from a3b_tune.errors import InputError, unknown

BUDGETS = ("quick", "full")
LAST = 14


def course(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder of the report; made if needed.")
    ],
    budget: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="quick: short studies, under 20 minutes on two cores. full: the studies as their "
            "files have them, hours.",
            autocompletion=complete_from(BUDGETS),
        ),
    ] = "quick",
    only: Annotated[
        str | None,
        typer.Option(metavar="N,N", help="These questions alone: 3 or 5,8."),
    ] = None,
    workers: Workers = "auto",
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage", metavar="URL", help="Where studies are kept; by default DIR/course.db."
        ),
    ] = None,
    device: Device = "auto",
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> int:
    """Answer the fourteen questions of assignment 3B by measurement: DIR/report.html, .pdf, .md.

    Runs the studies that the questions ask for, tries out the code where a question is about code,
    and writes each question with its code, what theory expects, what was measured and one sentence
    that answers. Studies that are done are not run again: the same command goes on where it was
    stopped. IMDb is read where it is there; full fetches it. Examples:

    - `a3b-tune course --budget quick --out course`
    - `a3b-tune course --out course --only 5,8`
    - `a3b-tune course --budget full --out course --data-dir ~/data`
    """
    if budget not in BUDGETS:
        raise InputError(f"--budget: {unknown('budget', budget, BUDGETS)}")
    numbers = _questions(only)

    from a3b_tune.cli.course_running import Wanted, answer_course

    return answer_course(
        Wanted(budget, out, numbers, storage, workers, device, data_dir, as_json, only)
    )


def _questions(only: str | None) -> tuple[int, ...]:
    """The numbers that were asked for, in order.

    :raises InputError: one is none of a question.
    """
    if only is None:
        return tuple(range(1, LAST + 1))
    words = [word.strip() for word in only.split(",")]
    for word in words:
        if not word.isdecimal() or not 1 <= int(word) <= LAST:
            raise InputError(f"--only {only}: {word!r} is none of the questions 1 to {LAST}")
    return tuple(sorted({int(word) for word in words}))
