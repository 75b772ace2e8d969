"""The commands that read: `studies`, `show` and `export`.

Knows how a person asks and answers on the screen or as JSON; changes nothing in a storage.
"""

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.options import JsonOption, StorageOption, complete_from, whole_number
from a3b_tune.errors import InputError

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview
    from a3b_tune.results.trials import TrialRow
    from a3b_tune.storage.verbs import Storage
    from a3b_tune.study import StudyFile

FORMATS = ("csv", "json", "parquet")
# Study files that are commands.
SHORT = ("xor", "synth", "imdb", "toy", "wp")


def complete_study(context: typer.Context, incomplete: str) -> list[str]:
    """What Tab offers for the name of a study: those of the storage."""
    from a3b_tune.results.listing import study_names
    from a3b_tune.storage.opening import open_storage

    try:
        names = study_names(open_storage(context.params.get("storage")))
    except InputError:
        # Half a command line is no place for an error; the command itself will tell it.
        return []
    return [name for name in names if name.startswith(incomplete)]


StudyArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="STUDY",
        help="The study's name; not needed where there is only one.",
        autocompletion=complete_study,
        show_default=False,
    ),
]


def studies(storage: StorageOption = None, as_json: JsonOption = False) -> None:
    """List all studies: progress, best value, age.

    Examples:

    - `a3b-tune studies`
    - `a3b-tune studies --storage sqlite:///other.db`
    """
    from rich.console import Console

    from a3b_tune.cli.present_studies import print_studies
    from a3b_tune.results.listing import study_lines
    from a3b_tune.storage.opening import shown_url

    with reading(storage) as opened:
        lines = study_lines(opened)
        where = shown_url(opened.url)
    if as_json:
        _print_json({"storage": where, "studies": [line.to_json() for line in lines]})
    else:
        print_studies(Console(), lines, where)


def show(
    study: StudyArgument = None,
    storage: StorageOption = None,
    top: Annotated[
        str, typer.Option("--top", metavar="N", help="How many of the best trials.")
    ] = "5",
    trial: Annotated[
        str | None,
        typer.Option("--trial", metavar="N", help="One trial's whole record, by epoch."),
    ] = None,
    samples: Annotated[
        bool,
        typer.Option("--samples", help="With --trial: all that its model wrote, not the last."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a study: settings, best trials, what decided, and what theory says can be reached.

    Examples:

    - `a3b-tune show synth`
    - `a3b-tune show synth --top 20`
    - `a3b-tune show synth --trial 17`
    - `a3b-tune show toy --trial 3 --samples`
    """
    from rich.console import Console

    from a3b_tune.cli.present import print_study
    from a3b_tune.cli.present_trial import print_trial

    best = whole_number("--top", top, 1)
    number = None if trial is None else whole_number("--trial", trial, 0)
    if samples and number is None:
        raise InputError("--samples: of which trial? add --trial N")
    overview = _overview(study, storage)
    if number is not None:
        row = _trial(overview, number)
        if as_json:
            _print_json(row.to_json())
        else:
            print_trial(Console(), overview, row, samples=samples)
    elif as_json:
        _print_json(overview.to_json(best))
    else:
        asked = storage is not None
        print_study(Console(), overview, top=best, storage_asked=asked, go_on=_go_on(overview))


def export(
    study: StudyArgument = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help=f"{', '.join(FORMATS)}; by default what FILE ends with, else csv.",
            autocompletion=complete_from(FORMATS),
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Where to; by default it is printed."),
    ] = None,
    storage: StorageOption = None,
) -> None:
    """Write every trial of a study as a table (csv, parquet) or with its curves (json, parquet).

    Examples:

    - `a3b-tune export synth --out synth.csv`
    - `a3b-tune export synth --format json | jq .best`
    """
    from a3b_tune.results import export as writing

    chosen = writing.chosen_format(format, out)
    overview = _overview(study, storage)
    if out is not None and str(out) != "-":
        writing.export(overview, chosen, out)
        typer.echo(f"{len(overview.trials)} trials of {overview.name} written to {out}")
        return
    if chosen == "parquet" and sys.stdout.isatty():
        raise InputError("--format parquet: no text for a screen; add --out FILE.parquet")
    sys.stdout.flush()
    writing.export(overview, chosen, sys.stdout.buffer)
    sys.stdout.flush()


@contextmanager
def reading(asked: str | None, *, create: bool = False) -> "Iterator[Storage]":
    """An open storage; a database that fails while it is used is told in one line."""
    from a3b_tune.storage.opening import open_storage, world_error

    opened = open_storage(asked, create=create)
    try:
        yield opened
    except Exception as error:
        if told := world_error(error):
            raise InputError(told) from error
        raise


def _overview(study: str | None, asked: str | None) -> "StudyOverview":
    from a3b_tune.results.overview import study_overview
    from a3b_tune.tuning.studies import open_study

    with reading(asked) as opened:
        return study_overview(open_study(opened, study or only_study(opened)))


def only_study(opened: "Storage") -> str:
    from a3b_tune.results.listing import study_names
    from a3b_tune.storage.opening import shown_url

    names = study_names(opened)
    where = shown_url(opened.url)
    if not names:
        raise InputError(f"{where} holds no studies; begin one with `a3b-tune synth`")
    if len(names) > 1:
        raise InputError(f"which study? {where} holds {', '.join(names)}")
    return names[0]


def _trial(overview: "StudyOverview", number: int) -> "TrialRow":
    if number < len(overview.trials):
        return overview.trials[number]
    has = (
        f"has the trials 0 to {len(overview.trials) - 1}"
        if overview.trials
        else "has no trials yet"
    )
    raise InputError(f"--trial {number}: study {overview.name!r} {has}")


def _go_on(overview: "StudyOverview") -> str | None:
    """The command that adds trials, where the study is that of a file that comes with a3b-tune and
    can still get better. With other settings the command would be refused."""
    from a3b_tune.study import load
    from a3b_tune.study.catalogue import shipped

    if overview.standing == "at":
        return None
    for name, path in shipped().items():
        if _without_name(load(path)) == _without_name(overview.file):
            command = name if name in SHORT else f"run {name}"
            other = "" if name == overview.name else f" --name {shlex.quote(overview.name)}"
            more = overview.asked if overview.ended < overview.asked else 2 * overview.asked
            return f"a3b-tune {command} --trials {more}{other}"
    return None


def _without_name(file: "StudyFile") -> dict[str, dict[str, object]]:
    told = file.identity()
    return {**told, "study": {key: told["study"][key] for key in told["study"] if key != "name"}}


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
