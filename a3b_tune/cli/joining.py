"""The commands of workers: `worker` joins a study from anywhere, `reap` looks after lost trials.

Knows how a person asks; imports nothing heavy.
"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.asked import PATIENCE, Asked
from a3b_tune.cli.options import DataDirOption, JsonOption, StorageOption, seconds
from a3b_tune.cli.search_options import (
    Device,
    Patience,
    Precision,
    Stack,
    TensorBoard,
    TensorBoardDir,
    Timeout,
    WandB,
    Workers,
    folder_of,
)
from a3b_tune.cli.studies import StudyArgument, only_study, reading
from a3b_tune.starting import prepare_early
from a3b_tune.workers import LIBRARIES

if TYPE_CHECKING:
    from a3b_tune.storage.verbs import Storage
    from a3b_tune.tuning.liveness import Reaped


def worker(
    study: StudyArgument = None,
    storage: StorageOption = None,
    workers: Workers = "auto",
    stack: Stack = "auto",
    device: Device = "auto",
    precision: Precision = "auto",
    timeout: Timeout = None,
    data_dir: DataDirOption = None,
    patience: Patience = PATIENCE,
    tensorboard: TensorBoard = False,
    tensorboard_dir: TensorBoardDir = None,
    wandb: WandB = None,
    stay: Annotated[
        bool,
        typer.Option(
            "--stay/--leave",
            help="When nothing is left to begin: stay until the trials of other workers have "
            "ended, in case one is lost, or leave.",
        ),
    ] = True,
    as_json: JsonOption = False,
) -> int:
    """Join a study: run its trials here, with nothing but the storage and the study's name.

    The study must have been begun, by `a3b-tune synth` say. Any number of workers, on any machines,
    share its trials: together they run exactly as many as it has. On SIGTERM, SIGUSR1 or Ctrl-C a
    worker writes checkpoints and hands its trials back.

    Examples:

    - `a3b-tune worker synth --storage postgresql://me@db/studies`
    - `A3B_TUNE_TOKEN=… a3b-tune worker synth --storage grpc://login:13000 --workers 4`
    """
    from a3b_tune.cli.interrupt import ending_by_signal
    from a3b_tune.workers import slurm

    asked = Asked(
        "worker", None, timeout, None, None, study, None, None, None, workers, stack, device,
        precision, storage, data_dir, (), as_json, patience=patience,
        tensorboard=folder_of(tensorboard, tensorboard_dir), wandb=wandb,
    )  # fmt: skip
    limit = None if timeout is None else seconds(timeout, "--timeout")
    try:
        # A cluster's signal may come while data is still read.
        with ending_by_signal():
            prepare_early(LIBRARIES, workers, device)
            from a3b_tune.cli.running import join_study

            code = join_study(study, asked, limit, stay)
    except SystemExit as ended:
        code = int(ended.code or 0)
    if code == 138 and slurm.inside() and not slurm.requeue():
        typer.echo("this job could not be queued again; its trials are back in the study", err=True)
    return code


def reap(
    study: StudyArgument = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give back the trials of workers that have died: they run again from their last checkpoints.

    Every worker does the same while it runs, so this is for a study that nobody works on. Workers
    of this machine are known to be dead at once; for those of others their silence is listened to
    for a moment.

    Examples:

    - `a3b-tune reap synth`
    """
    from rich.console import Console

    console = Console(stderr=as_json)
    with reading(storage, create=True) as opened:
        name = study or only_study(opened)
        with console.status(f"listening for the workers of {name} …"):
            found = _reaped(opened, name)
    if as_json:
        typer.echo(json.dumps([vars(reaped) for reaped in found], indent=2))
        return
    for reaped in found:
        then = "has failed" if reaped.failed else "will run again"
        console.print(
            f"trial {reaped.number} {then}: {reaped.reason}", highlight=False, markup=False
        )
    if not found:
        console.print(f"no trial of {name} is lost")


def _reaped(opened: "Storage", name: str) -> "list[Reaped]":
    """Looks until all that is silent has been listened to for long enough."""
    import time

    from a3b_tune.tuning.liveness import Reaper
    from a3b_tune.tuning.studies import go_on

    reaper = Reaper(go_on(opened, name))
    found = reaper.look()
    while not reaper.watched():
        time.sleep(0.5)
        found += reaper.look()
    return found
