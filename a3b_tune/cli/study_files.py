"""The commands about study files: `study list`, `study check`, `study show`, `study schema`.

Knows no trial and opens no storage.
"""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from a3b_tune.cli.options import JsonOption

app = typer.Typer(no_args_is_help=True, help="Study files: list, check, show, complete.")


def complete_study(incomplete: str) -> list[str]:
    """The names of the studies that come with a3b-tune."""
    from a3b_tune.study.catalogue import shipped

    return [name for name in shipped() if name.startswith(incomplete)]


File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A study file, or the name of one that comes with a3b-tune.",
        autocompletion=complete_study,
    ),
]


@app.command("list")
def list_files(as_json: JsonOption = False) -> None:
    """List the study files that come with a3b-tune, and the question each answers.

    Examples:

    - `a3b-tune study list`
    """
    from a3b_tune.study import load
    from a3b_tune.study.catalogue import shipped

    files = {name: load(path) for name, path in shipped().items()}
    if as_json:
        typer.echo(
            json.dumps({name: file.study.question for name, file in files.items()}, indent=2)
        )
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("study", no_wrap=True)
    table.add_column("trials", justify="right")
    table.add_column("question")
    for name, file in files.items():
        table.add_row(name, str(file.study.trials), file.study.question or "")
    Console().print(table)


@app.command()
def check(file: File) -> None:
    """Check a study file, each draw of its model's settings too; exit code 2 and one line if not.

    Examples:

    - `a3b-tune study check mine.toml`
    """
    from a3b_tune.study import load, show_setting
    from a3b_tune.study.catalogue import find
    from a3b_tune.training.checks import check_model
    from a3b_tune.tuning.sampling import check_sampler

    path = find(file)
    study = load(path)
    check_model(study, str(path))
    check_sampler(study)
    searched = ", ".join(f"{key}={show_setting(value)}" for key, value in study.searched().items())
    typer.echo(f"{path}: good; {study.study.trials} trials search {searched or 'nothing'}")


@app.command()
def show(file: File, as_json: JsonOption = False) -> None:
    """Print a study file with every default filled in, as TOML; a start for your own.

    Examples:

    - `a3b-tune study show synth > mine.toml`
    """
    from a3b_tune.study import load
    from a3b_tune.study.catalogue import find
    from a3b_tune.study.toml import dumps_toml

    study = load(find(file))
    if as_json:
        typer.echo(json.dumps(study.plain(), indent=2, ensure_ascii=False))
    else:
        typer.echo(dumps_toml(study), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of study files, for an editor that completes and checks TOML.

    Examples:

    - `a3b-tune study schema > study.schema.json`, then begin your file with
      `#:schema study.schema.json`
    """
    from a3b_tune.models import MODELS, settings_of
    from a3b_tune.study.schema import json_schema

    settings = {name: list(settings_of(name)) for name in MODELS}
    typer.echo(json.dumps(json_schema(settings), indent=2))
