"""The command `confirm`: a study's best settings trained again on fresh seeds.

Knows how a person asks; what is heavy is imported when it runs.
"""

from pathlib import Path
from typing import Annotated

import typer

from a3b_tune.cli.options import DataDirOption, JsonOption, StorageOption, whole_number
from a3b_tune.cli.search_options import Device, Precision
from a3b_tune.cli.studies import StudyArgument, complete_study
from a3b_tune.errors import InputError
from a3b_tune.starting import prepare_early


def confirm(
    study: StudyArgument = None,
    top: Annotated[
        str, typer.Option("--top", metavar="N", help="How many of the best settings.")
    ] = "5",
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="N", help="On how many fresh seeds, the same for all.")
    ] = "10",
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="STUDY",
            help="Another study on the same data: are its best settings better or worse?",
            autocompletion=complete_study,
        ),
    ] = None,
    race: Annotated[
        bool,
        typer.Option("--race/--no-race", help="Drop settings as soon as they are clearly behind."),
    ] = True,
    again: Annotated[
        bool, typer.Option("--again", help="Train what was measured before once more.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png", help="Means and intervals as a picture."),
    ] = None,
    workers: Annotated[
        str,
        typer.Option(
            "--workers", "-w", metavar="N", help="Processes that train; auto is one per core."
        ),
    ] = "auto",
    storage: StorageOption = None,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> int:
    """Prove the best settings of a study on fresh seeds: means, intervals, and who is best.

    The best of many trials was also lucky, so its value flatters it. Here each setting is trained
    again for its full length on the same seeds, many at once, and dropped when a test by ranks says
    that it is clearly behind. What is measured stays in the study: the same command goes on where
    it was stopped, and with more `--seeds` it adds to what is there. Examples:

    - `a3b-tune confirm synth`
    - `a3b-tune confirm synth --top 3 --seeds 20 --plot synth.png`
    - `a3b-tune confirm full_attention --against baseline`
    """
    if plot is not None and plot.suffix.lower() != ".png":
        raise InputError(f"--plot {plot}: the picture is a PNG; call it {plot.stem or 'plot'}.png")
    most, each = whole_number("--top", top, 1), whole_number("--seeds", seeds, 2)
    prepare_early(["a3b_tune.finals.processes"], workers, device)
    from a3b_tune.cli.confirming import Asked, confirm_study

    asked = Asked(
        study=study,
        against=against,
        top=most,
        seeds=each,
        racing=race,
        again=again,
        plot=plot,
        workers=workers,
        storage=storage,
        device=device,
        precision=precision,
        data_dir=data_dir,
        as_json=as_json,
    )
    return confirm_study(asked)
