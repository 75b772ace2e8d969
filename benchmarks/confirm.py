"""Confirming a study as stacks, against training the same runs one by one with the plain learner.

    python -m benchmarks.confirm --out benchmarks/results/confirm.json

Five settings on ten seeds of the synth data, ten epochs each, in two kinds: such as the best trials
of the shipped synth study have, whose runs end when they reach an accuracy of 1.0; and with one
head, which no run can bring to 1.0, so that all train their full length. On one side `confirm` in
as many processes as there are cores, with and without dropping settings, its start and its data
included; on the other the plain learner in one process, its data at hand, with one thread and with
one for each core, of which the faster one counts. It ends its runs by the same rule: it is measured
on the first epochs of a few runs and scaled to the epochs that `confirm` had to train.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from a3b_tune.storage.opening import open_storage
from a3b_tune.study import load, override
from a3b_tune.study.catalogue import find
from a3b_tune.training import PlainLearner, Prepared, recipe_from
from a3b_tune.training.prepared import load_dataset
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.notes import RACE, confirmations
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on, open_study
from a3b_tune.tuning.trials import write_all
from benchmarks.stack import about_machine

SETTINGS, SEEDS = 5, 10
# What the best trials of synth have in common; the rest is drawn.
GOOD = (
    *("optimizer.lr=2e-3..2e-2:log", "model.pool=select", "training.batch_size=64"),
    *("study.sampler=random", "study.pruner=none"),
)
KINDS = {
    "runs end at 1.0": ("model.heads=4", "model.head_width=16"),
    "full length": ("model.heads=1", "model.head_width=64"),
}


def study(url: str, epochs: int, changes: list[str]) -> StoredStudy:
    """A study whose five trials have settings, and values that nobody measured."""
    asked = [*GOOD, f"training.epochs={epochs}", f"study.trials={SETTINGS}", *changes]
    file = override(load(find("synth")), asked)
    stored = begin_or_go_on(open_storage(url, create=True), file, load_dataset(file.data))
    for place in range(SETTINGS):
        trial = ask(stored, SETTINGS, {})
        assert trial is not None
        trial.report(0.99 - place / 100, {"epoch": 1, "accuracy": 0.99 - place / 100})
        trial.complete(None)
        write_all([trial])
    return stored


def confirmed(folder: Path, *words: str) -> dict[str, Any]:
    """One run of the command, from its start to its end."""
    command = [sys.executable, "-c", "from a3b_tune.cli.app import main; main()", "confirm"]
    asked = ["--top", str(SETTINGS), "--seeds", str(SEEDS), "--again", "--json", *words]
    began = time.perf_counter()
    done = subprocess.run([*command, *asked], cwd=folder, capture_output=True, check=True)
    seconds = time.perf_counter() - began
    rows = json.loads(done.stdout)["rows"]
    dropped = {row["trial"]: row["dropped"] for row in rows if row["dropped"] is not None}
    runs = sum(row["seeds"] for row in rows)
    return {"seconds": round(seconds, 1), "runs": runs, "dropped": dropped}


def trained(folder: Path, epochs: int) -> int:
    """How many epochs the runs of the last confirmation were trained in all."""
    notes = confirmations(open_study(open_storage(f"sqlite:///{folder}/a3b-tune.db"), "synth"))
    races = [place for place, note in enumerate(notes) if note["kind"] == RACE]
    last = [run for note in notes[races[-2] + 1 :] for run in note.get("runs", ())]
    return sum(run["epoch"] if run["value"] >= 1.0 else epochs for run in last)


def one_by_one(stored: StoredStudy, epochs: int, runs: int, threads: int) -> dict[str, Any]:
    """The plain learner's seconds for so many epochs, from some epochs of a few runs."""
    torch.set_num_threads(threads)
    prepared = Prepared(load_dataset(stored.file.data), torch.device("cpu"))
    settings = [trial.user_attrs["a3b:record"]["settings"] for trial in stored.study.trials]
    measured = []
    for place in range(runs):
        learner = PlainLearner(recipe_from(settings[place % SETTINGS], 1000 + place), prepared)
        learner.epoch()
        began = time.perf_counter()
        learner.epoch()
        measured.append(time.perf_counter() - began)
    whole = sum(measured) / len(measured) * epochs
    return {"threads": threads, "epochs_timed": len(measured), "seconds": round(whole, 1)}


def both_sides(kind: Sequence[str], epochs: int, runs: int) -> dict[str, Any]:
    """The seconds of both sides on settings of one kind."""
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored = study(f"sqlite:///{folder}/a3b-tune.db", epochs, [*kind])
        # Sizes of stacks are measured once for a machine, and then known.
        confirmed(folder, "--no-race", "--seeds", "2")
        found: dict[str, Any] = {}
        for side, words in (("without a race", ["--no-race"]), ("with a race", [])):
            found[side] = confirmed(folder, *words)
            found[side]["epochs"] = trained(folder, epochs)
        whole = found["without a race"]["epochs"]
        plain = [one_by_one(stored, whole, runs, n) for n in sorted({1, cores})]
    best = min(side["seconds"] for side in plain)
    for side in found.values():
        side["times_faster"] = round(best / side["seconds"], 2)
    return {"one by one": plain, **found, "settings": kind}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="of a run")
    parser.add_argument("--runs", type=int, default=5, help="of the plain side, an epoch each")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    told: dict[str, Any] = {
        name: both_sides(kind, args.epochs, args.runs) for name, kind in KINDS.items()
    }
    about = {"machine": platform.machine(), "processes": os.cpu_count(), "epochs": args.epochs}
    told["about"] = {**about_machine("cpu"), **about}
    print(json.dumps(told, indent=2))
    if args.out:
        args.out.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
