"""The command `compare`: studies side by side.

Knows how a person asks and answers on the screen, as JSON or as a page; changes nothing.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.options import JsonOption, StorageOption
from a3b_tune.cli.studies import complete_study, reading

if TYPE_CHECKING:
    from a3b_tune.results.comparing import Comparison


def compare(
    studies: Annotated[
        list[str],
        typer.Argument(
            metavar="STUDY STUDY…",
            help="The names of two studies or more, on the same data.",
            autocompletion=complete_study,
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write a report too: FILE.html, FILE.pdf, FILE.md."
        ),
    ] = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare studies at equal trials, equal epochs and equal seconds of work.

    The study that ran longer has the better best, so here each gets as much as the one that had
    least: what the best of so many trials is on average, with its interval, and what the study had
    found by then as it ran. Searches flatter their bests: `a3b-tune confirm A --against B` trains
    both on the same fresh seeds.

    Examples:

    - `a3b-tune compare simple_attention full_attention`
    - `a3b-tune compare synth baseline --out compared.html`
    """
    from rich.console import Console

    from a3b_tune.cli.present_compare import print_comparison
    from a3b_tune.cli.score import score_of
    from a3b_tune.results.report.comparison import comparison_report
    from a3b_tune.results.report.write import check_path, write_report

    if out is not None:
        check_path(out)
    found = _compared(studies, storage)
    first = found.studies[0]
    score = score_of(first.file, first.data["validation"])
    if as_json:
        told = json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
        typer.echo(told)
    else:
        print_comparison(Console(), found, score)
    if out is not None:
        write_report(comparison_report(found, score.value), out)
        typer.echo(f"report in {out}", err=as_json)


def _compared(names: list[str], asked: str | None) -> "Comparison":
    from a3b_tune.results.comparing import compare as compare_studies
    from a3b_tune.results.overview import study_overview
    from a3b_tune.tuning.studies import open_study

    with reading(asked) as opened:
        return compare_studies([study_overview(open_study(opened, name)) for name in names])
