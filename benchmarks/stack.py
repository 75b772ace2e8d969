"""Trial-epochs per second with validation: the stack against the user's script and the tuned loop.

    python -m benchmarks.stack                                     # synth and xor, five rounds
    python -m benchmarks.stack --data-dir ~/data                   # IMDb too
    python -m benchmarks.stack --sides script tuned tuned+compile stack stack+compile
    python -m benchmarks.stack --only 'synth simple.* width 64' --rounds 1 --slots 32

The peers are `benchmarks/peers/script.py` and `benchmarks/peers/tuned.py`. Every side trains trials
of the same settings and ten epochs, one after the other, nothing pruned, with one single-threaded
process per core, all cores at once; the sides take turns. Left out on every side: process start,
imports, data, compiling, the first epoch, and storage. Each turn runs to the end of the epoch in
which its seconds are over. The ratios are taken round by round; their median is shown.
"""

import argparse
import json
import os
import platform
import re
from contextlib import ExitStack
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import optuna
import torch

from a3b_tune import __version__
from a3b_tune.data.load import load
from a3b_tune.training import Prepared
from a3b_tune.training.stack_size import StackSizes
from benchmarks.peers.stacked import shape_of
from benchmarks.peers.work import EPOCHS, GROUPS, Work
from benchmarks.turns import SIDES, Cell, Side

DEFAULT_SIDES = ("script", "tuned", "stack")
MOST = 256  # slots

Row = dict[str, Any]


def slots_for(work: Work, args: argparse.Namespace) -> int:
    """As asked, or as many as a3b-tune takes by itself."""
    if args.slots != "auto":
        return int(args.slots)
    dataset = load(work.data, data_dir=args.data_dir)
    sizes = StackSizes(Prepared(dataset, torch.device(args.device)), "auto")
    return sizes.size(shape_of(work), MOST)


def measure(group: str, work: Work, args: argparse.Namespace) -> Row:
    """One cell: every side's rate in every round."""
    cell = Cell(work, slots_for(work, args), args.device, args.data_dir)
    rates: dict[str, list[float]] = {name: [] for name in args.sides}
    accuracies = dict.fromkeys(args.sides, 0.0)
    with ExitStack() as stack:
        sides = [
            stack.enter_context(Side(name, cell, processes(name, args))) for name in args.sides
        ]
        for side in sides:
            side.warm()
        for turn in range(args.rounds):
            first = turn % len(sides)
            for side in (*sides[first:], *sides[:first]):
                rate, accuracy = side.turn(args.seconds)
                rates[side.name].append(rate)
                accuracies[side.name] = max(accuracies[side.name], accuracy)
    return {
        "group": group,
        "work": work.name,
        "slots": cell.slots,
        "trial_epochs_per_second": {name: round(median(rates[name]), 3) for name in rates},
        "ratios": ratios(rates),
        "best_accuracy": {name: round(found, 4) for name, found in accuracies.items()},
        "rounds": {name: [round(rate, 3) for rate in found] for name, found in rates.items()},
    }


def processes(side: str, args: argparse.Namespace) -> int:
    """One per core; on a GPU one stack fills the device."""
    one = side.startswith("stack") and args.device != "cpu"
    return 1 if one else int(args.processes)


def ratios(rates: dict[str, list[float]]) -> dict[str, float]:
    """The median over the rounds of each stack's rate over each peer's."""
    found = {}
    for stack in (name for name in rates if name.startswith("stack")):
        for peer in (name for name in rates if not name.startswith("stack")):
            pairs = zip(rates[stack], rates[peer], strict=True)
            found[f"{stack} / {peer}"] = round(median(a / b for a, b in pairs), 2)
    return found


def summary(rows: list[Row]) -> list[Row]:
    """Each group's geometric mean and worst cell."""
    found = []
    for group in dict.fromkeys(row["group"] for row in rows):
        cells = [row["ratios"] for row in rows if row["group"] == group]
        means = {key: round(geometric_mean([c[key] for c in cells]), 2) for key in cells[0]}
        worst = {key: min(c[key] for c in cells) for key in cells[0]}
        found.append({"group": group, "cells": len(cells), "mean": means, "worst": worst})
    return found


def about(args: argparse.Namespace) -> Row:
    return {
        **about_machine(args.device),
        "processes": {name: processes(name, args) for name in args.sides},
        "rounds": args.rounds,
        "seconds": args.seconds,
        "epochs_of_a_trial": EPOCHS,
    }


def about_machine(device: str) -> Row:
    """What the figures depend on beside the code."""
    return {
        "device": processor() if device == "cpu" else torch.cuda.get_device_name(),
        "cores": os.cpu_count(),
        "threads": 1,
        "a3b_tune": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "optuna": optuna.__version__,
    }


def processor() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def print_head(args: argparse.Namespace) -> None:
    print("trial-epochs per second".ljust(46) + "".join(f"{name:>15}" for name in args.sides))


def print_row(row: Row) -> None:
    rates = "".join(f"{rate:15.2f}" for rate in row["trial_epochs_per_second"].values())
    shown = "  ".join(f"{key} {value}" for key, value in row["ratios"].items())
    print(f"{row['work']:46}{rates}  {row['slots']:4} slots  {shown}", flush=True)


def print_summary(rows: list[Row]) -> None:
    for group in summary(rows):
        for key, mean in group["mean"].items():
            worst = f", worst {group['worst'][key]}" if group["cells"] > 1 else ""
            print(f"{group['group']:32} {key:32} {mean:8}{worst}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="the least a turn takes")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(DEFAULT_SIDES))
    parser.add_argument("--slots", default="auto", help="of a stack: a number, or auto")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="of each side")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", default="", help="cells whose name this expression finds")
    parser.add_argument("--data-dir", type=Path, help="where imdb.word.pkl.gz is; else no IMDb")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    torch.set_num_threads(1)
    rows: list[Row] = []
    print_head(args)
    for group, works in GROUPS.items():
        for work in works:
            if re.search(args.only, work.name) and (work.data != "imdb" or args.data_dir):
                rows.append(measure(group, work, args))
                print_row(rows[-1])
    print_summary(rows)
    if args.out:
        found = {"about": about(args), "summary": summary(rows), "rows": rows}
        args.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
