"""From a checked study file to a finished run on the screen: data, storage, loop, summary.

Imported only when a search starts: it brings torch and Optuna with it.
"""

import json
import time

from rich.console import Console

from a3b_tune.cli.asked import Asked
from a3b_tune.cli.display import open_display
from a3b_tune.cli.interrupt import EXIT_CODES, Interrupt
from a3b_tune.cli.logs import Heard, check_logs, open_logs
from a3b_tune.cli.options import seconds
from a3b_tune.cli.present import print_study
from a3b_tune.cli.progress import Best, Progress
from a3b_tune.cli.score import score_of
from a3b_tune.cli.studies import only_study
from a3b_tune.data import Dataset, Text
from a3b_tune.data.fetch import SOURCES, fetch, progress_bar
from a3b_tune.results.overview import study_overview
from a3b_tune.results.trials import ranked, rows
from a3b_tune.starting import available_cores
from a3b_tune.storage.opening import (
    check_url,
    nothing_half_made,
    open_patiently,
    open_storage,
    storage_url,
)
from a3b_tune.study import StudyFile
from a3b_tune.study.fitting import largest
from a3b_tune.training import Prepared
from a3b_tune.training.checks import model_names
from a3b_tune.training.device import (
    check_precision,
    choose_device,
    prepare_process,
    visible_gpus,
)
from a3b_tune.training.prepared import load_dataset
from a3b_tune.training.pretrained import make_ready, widest
from a3b_tune.training.stack_size import check_stack
from a3b_tune.tuning.account import Account
from a3b_tune.tuning.loop import BrokenRun, Limits, Run
from a3b_tune.tuning.spending import Spending
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on, check_data, go_on
from a3b_tune.workers.team import Job, Team, worker_count

# From such a step on all cores share one; on a smaller one, threads wait for each other.
LARGE_STEP = 2**17
WIDTHS = ("width", "heads", "head_width")
ENDINGS = {
    "trials": "all trials done",
    "timeout": "the time is up",
    "Ctrl-C": "stopped by Ctrl-C",
    "SIGTERM": "stopped by SIGTERM",
    "SIGUSR1": "stopped by SIGUSR1",
    "budget": "the budget is spent",
}


def run_study(file: StudyFile, asked: Asked, console: Console, *, summary: bool = True) -> int:
    """Runs a study until its budget, its time or a signal ends it, then prints what was found;
    without a `summary` only how it ended.

    :returns: 0, or 1 where trial after trial failed, or 130 (143) after Ctrl-C (SIGTERM).
    """
    began = time.monotonic()
    device = choose_device(asked.device)
    check_precision(asked.precision, device)
    prepare_process(device, asked.precision)
    worker_count(asked.workers, 1, 1)
    check_stack(asked.stack)
    check_logs(asked)
    seconds(asked.patience, "--patience")
    check_url(asked.storage)
    prepared = Prepared(_load(file, asked, console), device, asked.precision)
    # The floor of a text takes a second to work out.
    beginning = console.status(f"opening study {file.study.name} …")
    with nothing_half_made(asked.storage), beginning:
        stored = begin_or_go_on(open_storage(asked.storage, create=True), file, prepared.dataset)
    if isinstance(prepared.dataset, Dataset) and prepared.dataset.vectors is not None:
        console.print(prepared.dataset.vectors.coverage, highlight=False, markup=False)
    deadline = None if file.study.timeout is None else began + file.study.timeout
    code, ending = _search(stored, prepared, asked, deadline, console)
    if summary:
        _summary(stored, ending, asked, console)
    else:
        console.print(ending, highlight=False, markup=False)
    return code


def join_study(name: str | None, asked: Asked, timeout: float | None, stay: bool) -> int:
    """Runs trials of a stored study until there are none, the time is up or a signal ends it.

    :param stay: wait, at the end, until the trials of other workers have ended too.
    :returns: as `run_study`, or 138 after SIGUSR1.
    """
    began = time.monotonic()
    console = Console(stderr=asked.as_json)
    device = choose_device(asked.device)
    check_precision(asked.precision, device)
    prepare_process(device, asked.precision)
    worker_count(asked.workers, 1, 1)
    check_stack(asked.stack)
    check_logs(asked)
    storage = open_patiently(
        asked.storage,
        seconds(asked.patience, "--patience"),
        told=lambda text: console.print(f"{text}; waiting for it", highlight=False, markup=False),
    )
    stored = go_on(storage, name or only_study(storage))
    # A person's own model must be importable here too.
    model_names(stored.file)
    prepared = Prepared(_load(stored.file, asked, console), device, asked.precision)
    check_data(stored, prepared.dataset)
    deadline = None if timeout is None else began + timeout
    code, ending = _search(stored, prepared, asked, deadline, console, stay=stay)
    console.print(f"\n{ending}", highlight=False, markup=False)
    if asked.as_json:
        print(json.dumps(study_overview(stored).to_json(), indent=2))
    return code


def _load(file: StudyFile, asked: Asked, console: Console) -> Dataset | Text:
    """The data, fetched first where it can be and is not there yet; pre-trained models too."""
    name = file.data.name
    make_ready(file)
    if name in SOURCES:
        with progress_bar(name) as report:
            fetch(name, asked.data_dir, report=report)
    with console.status(f"loading {name} …"):
        return load_dataset(file.data, asked.data_dir)


def _search(
    stored: StoredStudy,
    prepared: Prepared,
    asked: Asked,
    deadline: float | None,
    console: Console,
    *,
    stay: bool = True,
) -> tuple[int, str]:
    """The trials under their display: exit code, and in words how it ended."""
    progress = _progress(stored)
    display = open_display(console, progress)
    trials = stored.file.study.trials
    # A GPU is filled by one process; cores are filled by one process each.
    gpus = visible_gpus(asked.device)
    cores = len(gpus) or (1 if prepared.device.type == "cuda" else available_cores())
    count = worker_count(asked.workers, cores, max(1, trials - progress.ended))
    if count == 1 and _step_size(stored.file) >= LARGE_STEP:
        prepare_process(prepared.device, asked.precision, threads=available_cores())
    job = _job(stored, asked, deadline, count, gpus, stay)
    progress.deadline = _forecast(stored, deadline, count)

    def interrupted(reason: str) -> None:
        display.say(f"{reason}: running trials go back to the queue; once more ends at once")

    logs = open_logs(asked, stored.file, display.say)
    with display, Heard(display, logs) as heard, Interrupt(interrupted) as stop:
        try:
            if count == 1:
                limits = Limits(trials, deadline, stop)
                ending = Run(
                    stored,
                    prepared,
                    limits,
                    heard,
                    stack=asked.stack,
                    wait=stay,
                    patience=job.patience,
                    watch=True,
                )()
            else:
                ending = Team(stored, job, count, heard)(stop)
        except BrokenRun as error:
            return 1, str(error)
    return EXIT_CODES.get(ending, 0), ENDINGS[ending]


def _step_size(file: StudyFile) -> int:
    """The numbers in one layer's output in a step of the largest shape, on text or of a pre-trained
    model; 0 of others on rows."""
    pretrained = widest(file)
    length, batch = file.data.max_length, file.training.batch_size
    if not (file.is_text or pretrained) or length is None or batch is None:
        return 0
    if pretrained:
        return pretrained * largest(batch) * largest(length)
    known = {name: largest(file.model[name]) for name in WIDTHS if file.model.get(name)}
    width = known.get("width", 0) or known.get("heads", 4) * known.get("head_width", 16)
    return width * largest(batch) * largest(length)


def _forecast(stored: StoredStudy, deadline: float | None, workers: int) -> float | None:
    """When the time will be up at the latest: that of the run, or that of the study's budget if
    these workers alone spend it."""
    left = Spending(stored, Account()).left()
    ends = [] if left is None else [time.monotonic() + left / workers]
    return min([*ends, *([] if deadline is None else [deadline])], default=None)


def _job(
    stored: StoredStudy,
    asked: Asked,
    deadline: float | None,
    count: int,
    gpus: tuple[str, ...],
    stay: bool,
) -> Job:
    return Job(
        url=storage_url(asked.storage),
        study=stored.file.study.name,
        device=asked.device,
        data_dir=asked.data_dir,
        trials=stored.file.study.trials,
        deadline=deadline,
        stack=asked.stack,
        precision=asked.precision,
        workers=count,
        patience=seconds(asked.patience, "--patience"),
        wait=stay,
        gpus=gpus,
    )


def _progress(stored: StoredStudy) -> Progress:
    found, file = rows(stored.study), stored.file
    counts: dict[str, int] = {}
    for row in found:
        counts[row.state] = counts.get(row.state, 0) + 1
    best = None
    for row in ranked(found, file.metric)[:1]:
        assert row.value is not None and row.best_epoch is not None
        best = Best(row.number, row.value, row.best_epoch, row.params)
    score = score_of(file)
    return Progress(file.study.name, file.study.trials, counts, best, score=score)


def _summary(stored: StoredStudy, ending: str, asked: Asked, console: Console) -> None:
    overview = study_overview(stored)
    console.print(f"\n{ending}", highlight=False, markup=False)
    if asked.as_json:
        print(json.dumps(overview.to_json(), indent=2))
    else:
        more = overview.asked if overview.ended < overview.asked else 2 * overview.asked
        go_on = None if overview.standing == "at" else asked.again(more)
        print_study(console, overview, storage_asked=asked.storage is not None, go_on=go_on)
