"""The commands of a cluster: `submit` sends workers to it, `jobs` tells what became of them.

Knows how a person asks; what runs where and when is the cluster's business.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.asked import Asked
from a3b_tune.cli.options import DataDirOption, JsonOption, StorageOption, complete_from
from a3b_tune.cli.search_options import Name, Set, Trials
from a3b_tune.cli.studies import complete_study, only_study, reading
from a3b_tune.errors import InputError, unknown

if TYPE_CHECKING:
    from a3b_tune.workers.jobs import Standing

CLUSTERS = ("slurm",)
AnyStudy = Annotated[
    str | None,
    typer.Argument(
        metavar="STUDY",
        help="The study's name; by default all of the storage.",
        autocompletion=complete_study,
        show_default=False,
    ),
]


def submit(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY",
            help="A study of the storage; or a study file, or the name of one that comes with "
            "a3b-tune: then the study is begun.",
            autocompletion=complete_study,
        ),
    ],
    cluster: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"The kind of cluster: {', '.join(CLUSTERS)}.",
            autocompletion=complete_from(CLUSTERS),
        ),
    ] = "slurm",
    workers: Annotated[
        str, typer.Option("--workers", "-w", metavar="N", help="How many workers, a task each.")
    ] = "1",
    array_limit: Annotated[
        str | None, typer.Option(metavar="N", help="At most so many of them at a time.")
    ] = None,
    gpus_per_worker: Annotated[
        str | None, typer.Option(metavar="N", help="GPUs of each worker.")
    ] = None,
    cpus_per_worker: Annotated[
        str | None, typer.Option(metavar="N", help="Cores of each worker.")
    ] = None,
    mem: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory of each worker: 8G, 500M.")
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Time limit of a worker: 4h, 30m. Shortly before, the worker hands back its "
            "trials and queues again.",
        ),
    ] = None,
    set_slurm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Any option of sbatch by its long name: partition=gpu, exclusive=true. Goes "
            "before the [slurm] of the study file. May be given often.",
        ),
    ] = None,
    log_dir: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where each task writes its log.")
    ] = Path("a3b-tune-logs"),
    trials: Trials = None,
    settings: Set = None,
    name: Name = None,
    storage: StorageOption = None,
    data_dir: DataDirOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the batch script and send nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send workers to a cluster: an array of jobs that run the trials of one study together.

    Examples:

    - `a3b-tune submit synth --workers 16 --time 4h --storage postgresql://me@db/studies`
    - `a3b-tune submit synth --workers 4 --gpus-per-worker 1 --set-slurm partition=gpu --dry-run`
    """
    from a3b_tune.cli.submitting import Wanted, submit_study

    if cluster not in CLUSTERS:
        raise InputError(f"--cluster: {unknown('cluster', cluster, CLUSTERS)}")
    asked = Asked(
        f"submit {study}", trials, None, None, None, name, None, None, None, workers, "auto",
        "auto", "auto", storage, data_dir, tuple(settings or ()), as_json,
    )  # fmt: skip
    wanted = Wanted(
        array_limit, gpus_per_worker, cpus_per_worker, mem, time, tuple(set_slurm or ()), log_dir
    )
    submit_study(study, asked, wanted, dry_run=dry_run)


def jobs(
    study: AnyStudy = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="End those that wait or run; their trials go back.")
    ] = False,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the workers that were sent to a cluster: state, node, time and log of each.

    Examples:

    - `a3b-tune jobs`
    - `a3b-tune jobs synth --cancel`
    """
    from rich.console import Console

    from a3b_tune.cli.present_jobs import print_cancelled, print_jobs, to_json
    from a3b_tune.workers import slurm

    found = _standing(study, storage, one=cancel)
    cancelled = [job.sent.job for job in found if cancel and job.alive]
    for number in cancelled:
        slurm.cancel(number)
    if as_json:
        told = {"jobs": [to_json(job) for job in found], "cancelled": cancelled}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    elif cancel:
        print_cancelled(Console(), found, cancelled)
    else:
        print_jobs(Console(), found)


def _standing(study: str | None, storage: str | None, *, one: bool) -> "list[Standing]":
    """The jobs of the study that was named; else of all, or of the only one."""
    from a3b_tune.tuning.studies import open_study, study_names
    from a3b_tune.workers.jobs import standing

    with reading(storage) as opened:
        if study is None and one:
            study = only_study(opened)
        if study is not None:
            return standing([open_study(opened, study)])
        stored = []
        for name in study_names(opened):
            # Another program's study has no jobs of ours.
            with suppress(InputError):
                stored.append(open_study(opened, name))
        return standing(stored)
