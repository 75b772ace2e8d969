"""What a step of one member costs as the stack grows: K = 1, 2, 4 … 256.

    python -m benchmarks.stack_width                                  # as the learner is by itself
    python -m benchmarks.stack_width --ways eager compiled --plot width.png

One single-threaded process trains K members of one shape on a sample of the rows; the time is
`Epoch.seconds` (training alone, the member's share) over the steps, the median of a few epochs
after the first. The size that a3b-tune chooses by itself is marked, and how far it is from the
best.
"""

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import torch

from a3b_tune.data.load import load
from a3b_tune.training import Diverged, Prepared
from benchmarks.peers.stacked import open_for, recipe_of
from benchmarks.peers.work import EPOCHS, GROUPS, Work
from benchmarks.stack import MOST, about_machine, slots_for

SIZES = [2**power for power in range(MOST.bit_length())]
WAYS = {"eager": False, "compiled": True}

Costs = dict[int, float]


def cost(work: Work, prepared: Prepared, slots: int, compiled: bool, epochs: int) -> float:
    """Milliseconds of one step of one member."""
    learner = open_for(work, prepared, slots, compiled)
    random = Random(0)
    for _ in range(slots):
        learner.add(recipe_of(work, random))
    learner.epoch()
    steps = -(-len(prepared.dataset.train) // work.batch_size)
    seconds = []
    for _ in range(epochs):
        found = learner.epoch()
        ended = [member for member, epoch in found.items() if isinstance(epoch, Diverged)]
        if ended:
            sys.exit(f"{len(ended)} of {slots} members diverged: the rest is no stack of {slots}")
        share = [epoch.seconds for epoch in found.values() if not isinstance(epoch, Diverged)]
        seconds.append(sum(share) / len(share))
    return 1000 * median(seconds) / steps


def costs_of(work: Work, prepared: Prepared, compiled: bool, args: argparse.Namespace) -> Costs:
    """The cost at every size, up to the first that memory does not hold."""
    found: Costs = {}
    for slots in args.sizes:
        try:
            found[slots] = cost(work, prepared, slots, compiled, args.epochs)
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            print(f"{slots} slots: out of memory")
            break
    return found


def measure(work: Work, args: argparse.Namespace) -> dict[str, Any]:
    dataset = load(work.data, data_dir=args.data_dir)
    rows = min(len(dataset.train), args.steps * work.batch_size)
    prepared = Prepared(dataset.sample(rows, seed=0), torch.device(args.device))
    prepared.cut(work.max_length)
    costs = {way: costs_of(work, prepared, WAYS[way], args) for way in args.ways}
    return {"work": work.name, "chosen": slots_for(work, args), "milliseconds": costs}


def print_table(row: dict[str, Any]) -> None:
    chosen, costs = row["chosen"], row["milliseconds"]
    print(f"\n{row['work']}: milliseconds per member-step")
    print(f"{'K':>5}" + "".join(f"{way:>12}" for way in costs))
    for size in sorted({size for found in costs.values() for size in found}):
        cells = "".join(f"{found.get(size, float('nan')):12.4f}" for found in costs.values())
        print(f"{size:5}{cells}{'  < chosen' if size == chosen else ''}", flush=True)
    for way, found in costs.items():
        best = min(found, key=found.__getitem__)
        over = f", chosen costs {found[chosen] / found[best] - 1:+.0%}" if chosen in found else ""
        print(f"{way}: best {best}{over}")


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """One panel per work, both axes in powers of two."""
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(rows), figsize=(5 * len(rows), 4), squeeze=False)
    for row, axes in zip(rows, panels[0], strict=True):
        for way, found in row["milliseconds"].items():
            axes.plot(list(found), list(found.values()), marker="o", label=way)
        axes.axvline(row["chosen"], color="grey", linestyle="--", label="chosen")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set(title=row["work"], xlabel="members K", ylabel="ms per member-step")
        axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="synth simple_attention width 64 batch 32")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["eager"])
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--slots", default="auto", help="the size to mark: a number, or auto")
    parser.add_argument("--steps", type=int, default=100, help="of one epoch")
    parser.add_argument("--epochs", type=int, default=5, choices=range(1, EPOCHS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data-dir", type=Path, help="where imdb.word.pkl.gz is")
    parser.add_argument("--plot", type=Path, help="write a PNG (needs matplotlib)")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    if args.plot and find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib, which is not installed")
    return args


def main() -> None:
    args = parsed()
    torch.set_num_threads(1)
    works = [w for works in GROUPS.values() for w in works if args.only in w.name]
    if not works:
        sys.exit(f"no cell is called '{args.only}'")
    rows = []
    for work in works:
        rows.append(measure(work, args))
        print_table(rows[-1])
    if args.plot:
        plot(rows, args.plot)
    if args.out:
        about = {**about_machine(args.device), "steps": args.steps, "epochs": args.epochs}
        args.out.write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
