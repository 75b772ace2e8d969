"""From what a person asked of a cluster to workers in its queue.

Imported only when something is sent: it brings torch and Optuna with it. Knows no command of a
cluster.
"""

import json
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer
from sqlalchemy.engine import make_url

from a3b_tune.cli.asked import Asked
from a3b_tune.cli.figures import count
from a3b_tune.cli.options import seconds, whole_number
from a3b_tune.cli.search import asked_file
from a3b_tune.errors import InputError
from a3b_tune.storage.opening import (
    check_url,
    nothing_half_made,
    open_storage,
    shown_url,
    storage_url,
    world_error,
)
from a3b_tune.study import StudyFile
from a3b_tune.study.slurm import Options, parse_options
from a3b_tune.training.prepared import load_dataset
from a3b_tune.training.pretrained import make_ready
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on, open_study, study_names
from a3b_tune.workers import jobs
from a3b_tune.workers.slurm import Array

# What says the same in other words, by the option of Slurm that is set here.
SAME = {
    "gres": ("gpus", "gpus-per-node", "gpus-per-task"),
    "mem": ("mem-per-cpu", "mem-per-gpu"),
}
GPUS = ("gres", "gpus", "gpus-per-node", "gpus-per-task")
LOOPBACK = (None, "localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Wanted:
    """What the options about the cluster said, as it was typed."""

    array_limit: str | None
    gpus: str | None
    cpus: str | None
    mem: str | None
    time: str | None
    set_slurm: tuple[str, ...]
    log_dir: Path


def submit_study(study: str, asked: Asked, wanted: Wanted, *, dry_run: bool) -> None:
    """Sends workers of a study, which is begun if it is not there yet, or prints their script."""
    check_url(asked.storage)
    changed = asked.overrides() or asked.changes
    known = not changed and _is_known(study, asked.storage)
    file = _open(study, asked).file if known else asked_file(study, asked)[0]
    array = _array(file, asked, wanted)
    if dry_run:
        script = array.script()
        typer.echo(json.dumps({"script": script}, indent=2) if asked.as_json else script.rstrip())
        return
    url, warning = reachable(storage_url(asked.storage))
    begin = partial(_open, study, asked, create=True) if known else _beginning(file, asked)
    with nothing_half_made(asked.storage):
        sent = jobs.send(array, url, begin)
    _tell(sent, file.study.name, asked)
    if warning:
        typer.echo(f"a3b-tune: {shown_url(url)}: {warning}", err=True)


def reachable(url: str) -> tuple[str, str | None]:
    """The URL as another machine needs it, and what may keep that machine from using it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        whole = parsed.set(database=str(Path(parsed.database or "").absolute()))
        return whole.render_as_string(hide_password=False), (
            "every node must see this file; with postgresql:// or grpc:// none needs to"
        )
    if parsed.host in LOOPBACK:
        return url, "on another node this address is that node itself"
    return url, None


def _is_known(study: str, storage: str | None) -> bool:
    """Whether the storage holds a study of that name. What is wrong with a storage is told when it
    is opened to write."""
    try:
        return study in study_names(open_storage(storage))
    except InputError:
        return False
    except Exception as error:
        if world_error(error):
            return False
        raise


def _open(study: str, asked: Asked, *, create: bool = False) -> StoredStudy:
    return open_study(open_storage(asked.storage, create=create), study)


def _beginning(file: StudyFile, asked: Asked) -> Callable[[], StoredStudy]:
    """What begins the study of a file; its data is loaded now."""
    make_ready(file)
    dataset = load_dataset(file.data, asked.data_dir)
    return lambda: begin_or_go_on(open_storage(asked.storage, create=True), file, dataset)


def _array(file: StudyFile, asked: Asked, wanted: Wanted) -> Array:
    limit, options = wanted.array_limit, _options(file.slurm, wanted)
    return Array(
        name=file.study.name,
        command=_command(file.study.name, asked.data_dir, _processes(options)),
        workers=whole_number("--workers", asked.workers, 1),
        log_dir=wanted.log_dir.expanduser().absolute(),
        at_once=None if limit is None else whole_number("--array-limit", limit, 1),
        limit=None if wanted.time is None else _seconds(wanted.time),
        options=options,
    )


def _processes(options: Options) -> str:
    """How many processes a worker is: one for each of its GPUs or cores. A node may show a job the
    cores of all others too, so that only where it has the node for itself it may count them."""
    if any(options.get(key, False) is not False for key in ("exclusive", *GPUS)):
        return "auto"
    return str(options.get("cpus-per-task", 1))


def _command(study: str, data_dir: Path | None, processes: str) -> list[str]:
    """This very a3b-tune: the node may know another one, or none."""
    script = Path(sys.executable).with_name("a3b-tune")
    module = [sys.executable, "-c", "from a3b_tune.cli.app import main; main()"]
    words = [*([str(script)] if script.is_file() else module), "worker", "--workers", processes]
    if data_dir is not None:
        words += ["--data-dir", str(data_dir.expanduser().absolute())]
    return [*words, *(["--"] if study.startswith("-") else []), study]


def _seconds(text: str) -> float:
    if text.strip().isdecimal():
        # Slurm would read minutes.
        raise InputError(f"--time {text}: say the unit: {text}m or {text}s")
    limit = seconds(text, "--time")
    if not limit:
        raise InputError(
            f"--time {text}: must be above 0; leave it out for the cluster's own limit"
        )
    return limit


def _options(table: Options, wanted: Wanted) -> Options:
    """Slurm's options of the study file, and over them those that were typed."""
    typed = _typed(wanted)
    more = parse_options(wanted.set_slurm, "--set-slurm")
    words = {key: word for key, (word, _) in typed.items()}
    if wanted.time is not None:
        words["time"] = "--time"
    for key in more:
        if key in words:
            raise InputError(f"--set-slurm {key}: {words[key]} says it too; leave one out")
    chosen = {**{key: value for key, (_, value) in typed.items()}, **more}
    beaten = {*words, *(same for key in chosen for same in SAME.get(key, ()))}
    return {**{key: value for key, value in table.items() if key not in beaten}, **chosen}


def _typed(wanted: Wanted) -> dict[str, tuple[str, str | int]]:
    """Slurm's options that have a word of their own here, with that word."""
    typed: dict[str, tuple[str, str | int]] = {}
    if wanted.gpus is not None:
        number = whole_number("--gpus-per-worker", wanted.gpus, 1)
        typed["gres"] = ("--gpus-per-worker", f"gpu:{number}")
    if wanted.cpus is not None:
        number = whole_number("--cpus-per-worker", wanted.cpus, 1)
        typed["cpus-per-task"] = ("--cpus-per-worker", number)
    if wanted.mem is not None:
        if not re.fullmatch("[1-9][0-9]*[KMGT]?", wanted.mem, re.ASCII):
            raise InputError(f"--mem {wanted.mem}: write a size like 8G or 500M")
        typed["mem"] = ("--mem", wanted.mem)
    return typed


def _tell(sent: jobs.Sent, study: str, asked: Asked) -> None:
    url, log = storage_url(asked.storage), str(sent.log_of("*"))
    shown = shown_url(url)
    if asked.as_json:
        told = {"job": sent.job, "cluster": sent.cluster, "workers": sent.workers, "log": log}
        told |= {"study": study, "storage": shown}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    typer.echo(f"job {sent.job}: {count(sent.workers, 'worker')} for {study} in {shown}")
    typer.echo(f"logs   {log}")
    where = ["--storage", url] if asked.storage is not None and shown == url else []
    typer.echo(f"watch  {shlex.join(['a3b-tune', 'jobs', study, *where])}")
