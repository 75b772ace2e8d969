"""The command `report`: one study or several as a file to read, to print and to pass on.

Knows how a person asks; what is said and how it looks is `results/report`'s.
"""

import gc
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.options import StorageOption
from a3b_tune.cli.studies import complete_study, only_study, reading
from a3b_tune.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from a3b_tune.results.overview import StudyOverview

SUFFIX = ".html"


def report(
    studies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STUDY…",
            help="The studies' names; not needed where there is only one.",
            autocompletion=complete_study,
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Where to: a name that ends in .html, .pdf or .md. By default STUDY.html.",
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="The report's title.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it when it is written.")] = False,
    storage: StorageOption = None,
) -> None:
    """Write a report on one study or several: HTML, PDF or Markdown, by the file's name.

    What was asked and what was found, confirmation, history, learning curves, importances with
    their spread, each setting alone, cost, failures, where every number comes from, and the
    commands that give the study again. The HTML needs no network and no other file; what was
    there under the same name is replaced. Needs `pip install 'a3b-tune[report]'`.

    Examples:

    - `a3b-tune report synth`
    - `a3b-tune report synth --out synth.pdf`
    - `a3b-tune report baseline full_attention --out both.html --title "Which attention?"`
    """
    from rich.console import Console

    from a3b_tune.results.report.write import check_path

    names = list(dict.fromkeys(studies or []))
    if out is not None:
        check_path(out)
    elif names:
        check_path(_path(names))
    console = Console(stderr=True)
    with _uncollected():
        overviews = _read(names, storage, console)
        path = out or _path([overview.name for overview in overviews])
        if not names:
            check_path(path)
        _write(overviews, path, title, storage is not None, console)
    trials = sum(len(overview.trials) for overview in overviews)
    _say(path, [overview.name for overview in overviews], trials)
    if open_it:
        typer.launch(str(path.resolve()))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looks for garbage: with all the parts of ten thousand trials in memory they take as
    long as reading them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _path(names: Sequence[str]) -> Path:
    name = names[0] if len(names) == 1 else "report"
    return Path(name.replace("/", "-") + SUFFIX)


def _read(names: list[str], storage: str | None, console: "Console") -> list["StudyOverview"]:
    from a3b_tune.results.overview import study_overview
    from a3b_tune.tuning.studies import open_study

    with console.status("reading …"), reading(storage) as opened:
        # All names before the trials of one: a wrong one is told at once.
        stored = [open_study(opened, name) for name in names or [only_study(opened)]]
        return [study_overview(each) for each in stored]


def _write(
    overviews: Sequence["StudyOverview"],
    path: Path,
    title: str | None,
    named: bool,
    console: "Console",
) -> None:
    """Gathers and writes, saying how far it is."""
    from a3b_tune.results.report.study_report import study_report
    from a3b_tune.results.report.write import write_report

    if title is not None and not title.strip():
        raise InputError("--title: is empty; leave it out, or say what the report is called")
    storage = overviews[0].storage if named else None
    trials = sum(len(overview.trials) for overview in overviews)
    with console.status(f"gathering what {trials} trials say …") as status:
        made = study_report(overviews, title, storage=storage)
        status.update(f"writing {path} …")
        write_report(made, path)


def _say(path: Path, names: Sequence[str], trials: int) -> None:
    from a3b_tune.cli.figures import count, size
    from a3b_tune.cli.printing import visible

    told = f"{', '.join(names)}, {count(trials, 'trial')}"
    typer.echo(f"{shlex.quote(str(path))}: {visible(told)}, {size(path.stat().st_size)}")
