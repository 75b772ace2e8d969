"""Confirming a study as stacks, against training the same runs one by one with the plain learner.

    python -m benchmarks.confirm --out benchmarks/results/confirm.json

Five settings of the shipped synth study, drawn at random within what its best trials have, on ten
seeds: `confirm` in as many processes as there are cores, with and without dropping settings, its
start and its data included; and the plain learner in one process, its data at hand, with one thread
and with one for each core, of which the faster one counts. The plain side is measured on the first
epochs of a few of the fifty runs, and scaled: an epoch takes as long as the next.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from a3b_tune.storage.opening import open_storage
from a3b_tune.study import load, override
from a3b_tune.study.catalogue import find
from a3b_tune.training import PlainLearner, Prepared, recipe_from
from a3b_tune.training.prepared import load_dataset
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on
from a3b_tune.tuning.trials import write_all
from benchmarks.stack import about_machine

SETTINGS, SEEDS = 5, 10
# What the best trials of synth have in common; the rest is drawn.
GOOD = (
    *("optimizer.lr=2e-3..2e-2:log", "model.pool=select", "model.heads=4", "model.head_width=16"),
    *("training.batch_size=64", "study.sampler=random", "study.pruner=none"),
)


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


def one_by_one(stored: StoredStudy, epochs: int, runs: int, threads: int) -> dict[str, Any]:
    """The plain learner's seconds for all runs, from some epochs of a few."""
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
    whole = sum(measured) / len(measured) * epochs * SETTINGS * SEEDS
    return {"threads": threads, "epochs_timed": len(measured), "seconds": round(whole, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="of a run")
    parser.add_argument("--runs", type=int, default=5, help="of the plain side, an epoch each")
    parser.add_argument("--set", action="append", default=[], help="changes of the study")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored = study(f"sqlite:///{folder}/a3b-tune.db", args.epochs, args.set)
        # Sizes of stacks are measured once for a machine, and then known.
        confirmed(folder, "--no-race", "--seeds", "2")
        found: dict[str, Any] = {"without a race": confirmed(folder, "--no-race")}
        found["with a race"] = confirmed(folder)
        plain = [one_by_one(stored, args.epochs, args.runs, n) for n in sorted({1, cores})]
    best = min(side["seconds"] for side in plain)
    for side in found.values():
        side["times_faster"] = round(best / side["seconds"], 2)
    told = {"one by one": plain, **found, "epochs": args.epochs, "changes": args.set}
    told["about"] = {**about_machine("cpu"), "machine": platform.machine(), "processes": cores}
    print(json.dumps(told, indent=2))
    if args.out:
        args.out.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
