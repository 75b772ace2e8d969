"""The command `a3b-tune`: its commands by name, and how a mistake is told: one line, exit code 2.

Knows no work: each command's own module does that, and imports what is heavy only when it runs.
"""

import sys
from collections.abc import Sequence
from functools import cache
from io import TextIOWrapper
from typing import Annotated

import typer

from a3b_tune import __version__
from a3b_tune.cli import (
    cluster,
    compare,
    confirm,
    course,
    dashboard,
    data,
    doctor,
    export_onnx,
    joining,
    predict,
    report,
    rerun,
    sampling,
    search,
    storage,
    studies,
    study_files,
    train,
    whatif,
)
from a3b_tune.cli.printing import visible
from a3b_tune.errors import InputError, unknown

app = typer.Typer(
    name="a3b-tune",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Hyperparameter search for small sequence models.\n\n"
    "`a3b-tune synth` finds the best full self-attention model for the synth data set; every trial "
    "is kept in one file, `a3b-tune.db`, and the same command goes on where it stopped.",
    epilog="Start with `a3b-tune synth --trials 20`, then `a3b-tune show synth`.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"a3b-tune {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Options that come before the command."""


SEARCH = "Search"
CLUSTER = "On a cluster"
READ = "Look at what was found"
MORE = "Data, study files, this machine"

app.command("xor", rich_help_panel=SEARCH)(search.xor)
app.command("synth", rich_help_panel=SEARCH)(search.synth)
app.command("imdb", rich_help_panel=SEARCH)(search.imdb)
app.command("toy", rich_help_panel=SEARCH)(search.toy)
app.command("wp", rich_help_panel=SEARCH)(search.wp)
app.command("run", rich_help_panel=SEARCH)(search.run)
app.command("worker", rich_help_panel=SEARCH)(joining.worker)
app.command("reap", rich_help_panel=SEARCH)(joining.reap)
app.command("submit", rich_help_panel=CLUSTER)(cluster.submit)
app.command("jobs", rich_help_panel=CLUSTER)(cluster.jobs)
app.command("studies", rich_help_panel=READ)(studies.studies)
app.command("show", rich_help_panel=READ)(studies.show)
app.command("export", rich_help_panel=READ)(studies.export)
app.command("report", rich_help_panel=READ)(report.report)
app.command("confirm", rich_help_panel=READ)(confirm.confirm)
app.command("compare", rich_help_panel=READ)(compare.compare)
app.command("whatif", rich_help_panel=READ)(whatif.whatif)
app.command("rerun", rich_help_panel=READ)(rerun.rerun)
app.command("predict", rich_help_panel=READ)(predict.predict)
app.command("train", rich_help_panel=READ)(train.train)
app.command("sample", rich_help_panel=READ)(sampling.sample)
app.command("export-onnx", rich_help_panel=READ)(export_onnx.export_onnx)
app.command("course", rich_help_panel=READ)(course.course)
app.command("dashboard", rich_help_panel=READ)(dashboard.dashboard)
app.add_typer(data.app, name="data", rich_help_panel=MORE)
app.add_typer(study_files.app, name="study", rich_help_panel=MORE)
app.add_typer(storage.app, name="storage", rich_help_panel=MORE)
app.command("doctor", rich_help_panel=MORE)(doctor.doctor)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and exits: 0 done, 1 it failed, 2 a mistake in what was asked, 130 stopped by
    Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that knows only ASCII gets a ? for what it cannot show, not a traceback.
            stream.reconfigure(errors="replace")
    hide_secrets(list(sys.argv))
    sys.exit(run(arguments))


def hide_secrets(words: Sequence[str]) -> None:
    """Takes passwords out of what the list of processes shows. For a moment they stood there: a
    file named by `$A3B_TUNE_STORAGE_FILE` keeps them from ever being typed."""
    if not any("://" in word and "@" in word for word in words):
        return
    from setproctitle import setproctitle

    from a3b_tune.storage.addresses import shown_url

    shown = []
    for word in words:
        option, equals, url = word.rpartition("--storage=") if "=" in word else ("", "", word)
        shown.append(f"{option}{equals}{shown_url(url)}" if "://" in url else word)
    setproctitle(" ".join(["a3b-tune", *shown[1:]]))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code."""
    try:
        code = _command().main(arguments, prog_name="a3b-tune", standalone_mode=False)
    except InputError as error:
        return _told(str(error), 2)
    except typer.TyperException as error:
        return 2 if _asked_for_help(error) else _told(_usage(error), 2)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except OSError as error:
        # Python's own flush at exit would complain once more.
        sys.stdout = sys.stderr
        return _told(f"{error.filename or 'the output'}: {error.strerror or error}", 2)
    return code if isinstance(code, int) else 0


@cache
def _command() -> typer.core.TyperGroup:
    """All commands with their options, read from their signatures."""
    found = typer.main.get_command(app)
    assert isinstance(found, typer.core.TyperGroup)
    return found


def _told(text: str, code: int) -> int:
    typer.echo(f"a3b-tune: {visible(' '.join(text.split()))}", err=True)
    return code


def _asked_for_help(error: typer.TyperException) -> bool:
    """A command without its arguments prints its help, and has nothing more to say."""
    return not error.format_message().strip()


def _usage(error: typer.TyperException) -> str:
    """One line: what, the bad value, the nearest right one, and where help is."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "a3b-tune"
    text = error.format_message()
    if text.startswith("No such command") and context:
        text = unknown("command", text.split("'")[1], context.command.list_commands(context)) + "."
    return f"{text} See {path} --help"
