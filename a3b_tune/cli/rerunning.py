"""From a trial's record to its verdict on the screen: the data, the training, what agrees.

Imported only when a trial is run again: it brings torch with it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import typer
from rich.console import Console

from a3b_tune.cli.interrupt import EXIT_CODES, Interrupt
from a3b_tune.cli.present_rerun import print_verdict
from a3b_tune.cli.score import score_of
from a3b_tune.cli.studies import only_study, reading
from a3b_tune.data.fetch import SOURCES, fetch, progress_bar
from a3b_tune.errors import InputError
from a3b_tune.finals.rerunning import Difference, Verdict, compared, differences, run_again
from a3b_tune.finals.trial_record import Recorded, company, faults, recorded
from a3b_tune.results.trials import json_object
from a3b_tune.training import Diverged, Epoch, Prepared, Stopped
from a3b_tune.training.checks import model_names
from a3b_tune.training.device import (
    check_precision,
    choose_device,
    describe_device,
    prepare_process,
)
from a3b_tune.training.learner import out_of_memory
from a3b_tune.training.prepared import load_dataset
from a3b_tune.training.pretrained import make_ready
from a3b_tune.tuning.studies import StoredStudy, open_study


@dataclass(frozen=True)
class Asked:
    """What a person asked for, checked but for names."""

    study: str | None
    trial: int
    epochs: int | None
    alone: bool
    storage: str | None
    device: str
    precision: str
    data_dir: Path | None
    as_json: bool


def rerun_trial(asked: Asked) -> int:
    """Runs a trial again and prints what came out.

    :returns: 0 where it agrees, else 1; 130 (143) after Ctrl-C (SIGTERM).
    """
    console = Console(stderr=asked.as_json)
    device = choose_device(asked.device)
    with reading(asked.storage) as opened:
        stored = open_study(opened, asked.study or only_study(opened))
        trial = recorded(stored, asked.trial)
        beside = [] if asked.alone else company(stored, trial)
        contradicts = faults(stored, trial)
    if asked.device == "auto" and trial.device.startswith("cpu"):
        # Where it ran, though there may be a quicker place.
        device = choose_device("cpu")
    check_precision(asked.precision, device)
    prepare_process(device, asked.precision, threads=trial.threads)
    differ = differences(stored, trial, describe_device(device), len(beside))
    verdict = Verdict(
        trial.number,
        stored.file.metric.name,
        tuple(contradicts),
        tuple(differ),
        recorded=len(trial.epochs),
    )
    prepared, other = _prepared(stored, trial, device, asked, console)
    if other is not None:
        verdict = replace(verdict, data=other)
    else:
        try:
            outcomes = _trained(trial, beside, prepared, asked, console)
        except Stopped as stopped:
            return EXIT_CODES[str(stopped)]
        gaps, ending = compared(trial, outcomes, stored.file.metric.name)
        done = sum(isinstance(outcome, Epoch) for outcome in outcomes)
        verdict = replace(verdict, epochs=done, gaps=tuple(gaps), ending=ending)
    _tell(console, stored, verdict, asked)
    return 0 if verdict.agrees else 1


def _prepared(
    stored: StoredStudy, trial: Recorded, device: torch.device, asked: Asked, console: Console
) -> tuple[Prepared, Difference | None]:
    """The study's data, and whether it is not that which the trial was trained on."""
    section = stored.file.data
    model_names(stored.file)
    make_ready(stored.file)
    if section.name in SOURCES:
        with progress_bar(section.name) as report:
            fetch(section.name, asked.data_dir, report=report)
    with console.status(f"loading {section.name} …"):
        dataset = load_dataset(section, asked.data_dir)
    other = None
    if dataset.data_hash != trial.data_hash:
        other = Difference("data", trial.data_hash, dataset.data_hash)
    return Prepared(dataset, device, asked.precision), other


def _trained(
    trial: Recorded,
    beside: Sequence[Recorded],
    prepared: Prepared,
    asked: Asked,
    console: Console,
) -> list[Epoch | Diverged]:
    """The trial's epochs again.

    :raises Stopped: with the reason.
    """
    count = len(trial.epochs) + trial.diverged
    count = count if asked.epochs is None else min(asked.epochs, count)
    found: list[Epoch | Diverged] = []
    told = f"trial {trial.number}" + (f" in a stack of {trial.stack}" if beside else "")
    with console.status(f"{told}: epoch 1 of {count}") as status, Interrupt(status.update) as stop:
        try:
            for outcome in run_again(trial, beside, prepared, count, lambda: stop() is not None):
                found.append(outcome)
                status.update(f"{told}: epoch {min(count, len(found) + 1)} of {count}")
        except Stopped:
            raise Stopped(stop() or "Ctrl-C") from None
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            hint = "; try --alone" if beside else ""
            raise InputError(f"{told}: out of memory{hint}") from None
    return found


def _tell(console: Console, stored: StoredStudy, verdict: Verdict, asked: Asked) -> None:
    if asked.as_json:
        told = {"study": stored.file.study.name, **verdict.to_json()}
        typer.echo(json.dumps(json_object(told), indent=2, ensure_ascii=False))
    else:
        score = score_of(stored.file)
        print_verdict(console, stored.file.study.name, verdict, score)
