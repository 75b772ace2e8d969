"""The command `rerun`: one trial again from its record.

Knows how a person asks; what is heavy is imported when it runs.
"""

from typing import Annotated

import typer

from a3b_tune.cli.options import DataDirOption, JsonOption, StorageOption, whole_number
from a3b_tune.cli.search_options import Device, Precision
from a3b_tune.cli.studies import StudyArgument


def rerun(
    study: StudyArgument = None,
    trial: Annotated[
        str, typer.Option("--trial", "-t", metavar="N", help="Which trial.", show_default=False)
    ] = "",
    epochs: Annotated[
        str | None,
        typer.Option(
            "--epochs", metavar="K", help="Only its first epochs; of a text, evaluations."
        ),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option("--alone", help="Train it by itself even if it ran in a stack: quicker."),
    ] = False,
    storage: StorageOption = None,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run one trial again from its record: do settings, data and curve agree?

    A trial that ran alone comes out the same to the bit on the same kind of device with the same
    versions. What differs from then (versions, device, the stack it ran in) is told, and by how
    much the curve does. Exit code 0: it agrees; 1: it does not. Nothing is written.

    Examples:

    - `a3b-tune rerun synth --trial 17`
    - `a3b-tune rerun synth --trial 17 --epochs 2 --json`
    """
    from a3b_tune.cli.rerunning import Asked, rerun_trial
    from a3b_tune.errors import InputError

    if not trial:
        raise InputError("--trial: which trial? add --trial N")
    asked = Asked(
        study=study,
        trial=whole_number("--trial", trial, 0),
        epochs=None if epochs is None else whole_number("--epochs", epochs, 1),
        alone=alone,
        storage=storage,
        device=device,
        precision=precision,
        data_dir=data_dir,
        as_json=as_json,
    )
    return rerun_trial(asked)
