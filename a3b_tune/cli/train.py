"""The command `train`: one trial's settings trained for good and written as a folder.

Knows how a person asks; how it is trained is `finals/training.py`'s. Imports nothing heavy.
"""

from pathlib import Path
from typing import Annotated

import typer

from a3b_tune.cli.options import DataDirOption, JsonOption, StorageOption, whole_number
from a3b_tune.cli.search_options import Device, Precision
from a3b_tune.cli.studies import StudyArgument
from a3b_tune.errors import InputError

BEST = "best"


def train(
    study: StudyArgument = None,
    trial: Annotated[
        str, typer.Option(metavar="best|N", help="Whose settings: the best trial's, or trial N's.")
    ] = BEST,
    final: Annotated[
        bool,
        typer.Option(
            "--final",
            help="Train on training and validation data together and score once on the test split.",
        ),
    ] = False,
    seeds: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="Train on so many fresh seeds. The FIRST one's model is kept, not the one with "
            "the best score: that would be a choice by the very number that is to be measured.",
        ),
    ] = "1",
    seed: Annotated[
        str | None,
        typer.Option(metavar="N", help="The first seed, the others follow it: N, N + 1, …"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FOLDER", help="By default STUDY-trialN, or STUDY-trialN-final."
        ),
    ] = None,
    test_path: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A table's test part, where data.test_path is not set."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a model's folder that is there already.")
    ] = False,
    device: Device = "auto",
    precision: Precision = "auto",
    storage: StorageOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> int:
    """Train a study's best settings for good, and save the model as a folder.

    As many epochs as the trial's best one, along the trial's own schedule, on fresh seeds. Without
    `--final` it is trained and scored as the search did. With it, the test split is read for the
    first time, when training is over; what the study's test split was scored on before is told.

    Examples:

    - `a3b-tune train imdb`
    - `a3b-tune train imdb --final --seeds 5`
    - `a3b-tune train synth --trial 17 --out synth17`
    """
    from a3b_tune.cli.finishing import finish
    from a3b_tune.cli.planning import Wanted

    number = None if trial == BEST else _trial(trial)
    first = None if seed is None else whole_number("--seed", seed, 0)
    if first is not None and first >= 2**31:
        raise InputError(f"--seed {first}: must be below 2147483648")
    if test_path is not None and not final:
        raise InputError(f"--test-path {test_path}: the test part is read with --final alone")
    wanted = Wanted(
        study, number, final, whole_number("--seeds", seeds, 1), first, out, test_path, force,
        device, precision, storage, data_dir, as_json,
    )  # fmt: skip
    return finish(wanted)


def _trial(text: str) -> int:
    if not text.isdecimal():
        raise InputError(f"--trial {text}: neither {BEST} nor a trial's number")
    return int(text)
