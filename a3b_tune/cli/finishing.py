"""From a plan to a model's folder: the data, the training, the note of a test, the files.

Imported only when a training starts: it brings torch and Optuna with it.
"""

import json
import shlex
from datetime import datetime
from typing import Any

import torch
import typer
from rich.console import Console

from a3b_tune.cli.interrupt import EXIT_CODES, Interrupt
from a3b_tune.cli.planning import Plan, Wanted, planned
from a3b_tune.cli.present_final import Shown, print_made, tested_before
from a3b_tune.cli.score import score_of
from a3b_tune.cli.training_display import TrainingDisplay
from a3b_tune.data import Dataset, Text
from a3b_tune.data.fetch import SOURCES, fetch, progress_bar
from a3b_tune.data.final import Final, load_final
from a3b_tune.errors import InputError
from a3b_tune.finals.checkpoint import LONGEST, Trained, write_checkpoint
from a3b_tune.finals.told import TEST, VALIDATION, Verdict
from a3b_tune.finals.training import FinalTraining, Made
from a3b_tune.starting import available_cores
from a3b_tune.storage.opening import open_patiently, shown_url, world_error
from a3b_tune.training import Prepared, Recipe, Stopped, recipe_from
from a3b_tune.training.checks import model_names
from a3b_tune.training.device import (
    check_precision,
    choose_device,
    describe_device,
    prepare_process,
)
from a3b_tune.training.prepared import load_dataset
from a3b_tune.training.pretrained import make_ready
from a3b_tune.tuning import records
from a3b_tune.tuning.notes import note_test
from a3b_tune.tuning.studies import check_data, open_study

# From such a step of a text on, all cores share it.
LARGE_STEP = 2**17
# How long a storage that is gone is waited for when a test is to be noted, in seconds.
PATIENCE = 300.0


def finish(wanted: Wanted) -> int:
    """Trains, scores, notes and writes.

    :returns: 0, or 130 (143) where Ctrl-C (SIGTERM) came first; nothing is written then.
    """
    began, console = datetime.now().astimezone(), Console(stderr=wanted.as_json)
    device = choose_device(wanted.device)
    check_precision(wanted.precision, device)
    prepare_process(device, wanted.precision)
    plan = planned(wanted)
    prepared, test, final = _data(plan, wanted, device, console)
    recipe = recipe_from(plan.chosen.settings, 0)
    longest = prepared.part(recipe).longest
    if longest > LONGEST:
        raise InputError(f"rows of {longest} tokens are too long; set data.max_length")
    if device.type == "cpu" and _large(recipe, longest):
        prepare_process(device, threads=available_cores())
    for line in tested_before(plan.name, plan.tests) if wanted.final else ():
        typer.echo(line, err=True)
    made = _made(plan, prepared, test, console)
    if isinstance(made, int):
        return made
    part = TEST if test is not None else VALIDATION
    verdict = Verdict(part, plan.stored.file.metric, made.seeds)
    if test is not None:
        _note(plan, wanted, verdict.note(plan.chosen, prepared.dataset.data_hash, began), console)
    trained = _trained(plan, prepared, recipe, made, longest)
    metrics = verdict.metrics(plan.chosen)
    provenance = _provenance(plan, wanted, prepared, test, began)
    write_checkpoint(plan.out, trained, metrics, provenance, force=wanted.force)
    if wanted.as_json:
        told = {"folder": str(plan.out), "study": plan.name, "trial": plan.chosen.number}
        told |= {"tested_before": list(plan.tests)} if wanted.final else {}
        typer.echo(json.dumps({**told, **metrics}, indent=2))
    else:
        print_made(console, _shown(plan, verdict, prepared, test, final))
    return 0


def _shown(
    plan: Plan, verdict: Verdict, prepared: Prepared, test: Prepared | None, final: Final | None
) -> Shown:
    """What is printed of it."""
    data, scored = prepared.dataset, (test or prepared).dataset.validation
    known = plan.stored.study.user_attrs[records.STUDY_DATA]
    digits = max(len(scored), known["validation"]) if isinstance(data, Dataset) else None
    return Shown(
        study=plan.name,
        folder=plan.out,
        chosen=plan.chosen,
        verdict=verdict,
        score=score_of(plan.stored.file, digits),
        unit=data.unit if isinstance(data, Text) else "row",
        trained=len(data.train),
        scored=len(scored),
        sampled=final is not None and final.sampled,
    )


def _data(
    plan: Plan, wanted: Wanted, device: torch.device, console: Console
) -> tuple[Prepared, Prepared | None, Final | None]:
    """What is trained on, what tests, if anything does, and both as they were loaded."""
    section = plan.stored.file.data
    model_names(plan.stored.file)
    make_ready(plan.stored.file)
    if section.name in SOURCES:
        with progress_bar(section.name) as report:
            fetch(section.name, wanted.data_dir, report=report)
    with console.status(f"loading {section.name} …"):
        searched: Dataset | Text = load_dataset(section, wanted.data_dir)
        check_data(plan.stored, searched)
        if not wanted.final:
            return Prepared(searched, device, wanted.precision), None, None
        final = load_final(section, searched, wanted.data_dir, wanted.test_path)
    trained = Prepared(final.data, device, wanted.precision)
    return trained, Prepared(final.test, device, wanted.precision), final


def _large(recipe: Recipe, longest: int) -> bool:
    """Whether a step of a text is worth more than one core."""
    own, batch = recipe.model_settings, recipe.training.batch_size
    width = own.get("width") or own.get("heads", 4) * own.get("head_width", 16)
    return recipe.training.steps is not None and width * batch * longest >= LARGE_STEP


def _made(plan: Plan, prepared: Prepared, test: Prepared | None, console: Console) -> Made | int:
    """The training under its display; an exit code where a signal ended it."""
    score, part = score_of(plan.stored.file), "validation" if test is None else "trained-on"
    display = TrainingDisplay(console, score, plan.chosen.rounds, plan.seeds, part)
    with display, Interrupt(display.interrupted) as stop:

        def should_stop() -> bool:
            display.step()
            return stop() is not None

        try:
            return FinalTraining(prepared, plan.chosen, test, should_stop, display)(plan.seeds)
        except Stopped:
            return EXIT_CODES[stop() or "Ctrl-C"]


def _note(plan: Plan, wanted: Wanted, note: dict[str, Any], console: Console) -> None:
    """The test split was read: that is kept whatever happens to the folder."""
    try:
        opened = open_patiently(
            wanted.storage, PATIENCE, told=lambda text: console.print(f"{text}; waiting for it")
        )
        note_test(open_study(opened, plan.name), note)
    except Exception as error:
        if told := world_error(error):
            raise InputError(told) from error
        raise


def _trained(plan: Plan, prepared: Prepared, recipe: Recipe, made: Made, longest: int) -> Trained:
    data = prepared.dataset
    known = plan.stored.study.user_attrs[records.STUDY_DATA]["hash"]
    alphabet = data.alphabet if isinstance(data, Text) else None
    reader = None if isinstance(data, Text) else prepared.reader(recipe)
    names = () if isinstance(data, Text) else data.class_names
    # Wordpieces end with one of their own, which a later cut would take away.
    whole = reader is not None and reader.kind == "wordpieces"
    max_words = None if reader is None else longest if whole else recipe.max_length
    return Trained(
        made.model,
        dict(recipe.model),
        reader,
        names,
        alphabet,
        longest,
        max_words,
        data.name,
        known,
    )


def _provenance(
    plan: Plan, wanted: Wanted, prepared: Prepared, test: Prepared | None, began: datetime
) -> dict[str, Any]:
    file, chosen = plan.stored.file, plan.chosen
    seconds = (datetime.now().astimezone() - began).total_seconds()
    return {
        "study": plan.name,
        "storage": shown_url(plan.stored.storage.url),
        "trial": chosen.number,
        "trial_seed": chosen.seed,
        "seed": plan.seeds[0],
        "seeds": list(plan.seeds),
        "epochs": chosen.rounds,
        "settings": dict(chosen.settings),
        "data": {
            "name": file.data.name,
            "hash": plan.stored.study.user_attrs[records.STUDY_DATA]["hash"],
            "trained_on": "train and validation" if test is not None else "train",
            "trained_hash": prepared.dataset.data_hash,
            "test_hash": None if test is None else test.dataset.data_hash,
        },
        "versions": records.versions(),
        "commit": records.commit(),
        "device": describe_device(prepared.device),
        "threads": torch.get_num_threads(),
        "command": _command(plan, wanted),
        "date": began.isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
    }


def _command(plan: Plan, wanted: Wanted) -> str:
    """The command that does the same; of a storage's address only what may be shown."""
    words = ["a3b-tune", "train", plan.name, "--trial", str(plan.chosen.number)]
    words += ["--final"] if wanted.final else []
    words += ["--seeds", str(wanted.seeds)] if wanted.seeds > 1 else []
    words += ["--seed", str(plan.seeds[0])] if wanted.seed is not None else []
    words += ["--test-path", str(wanted.test_path)] if wanted.test_path is not None else []
    words += ["--device", wanted.device] if wanted.device != "auto" else []
    words += ["--storage", shown_url(plan.stored.storage.url)] if wanted.storage else []
    return shlex.join(words)
