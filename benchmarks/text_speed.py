"""Tokens per second of training on a text: a3b-tune's learners against the usual loop.

    python -m benchmarks.text_speed                       # both cells, all sides, five rounds
    python -m benchmarks.text_speed --sides peer ours     # without those that are compiled
    python -m benchmarks.text_speed --rounds 2 --steps 2  # a look

The peer (`benchmarks/peers/encoder.py`) is a plain loop with `nn.TransformerEncoder` and a causal
mask. Cells: one model of width 128, and four members of width 32 in one stack against the loop that
trains such models one by one; depth 3, 4 heads, windows of 128 tokens, batches of 32, no dropout,
no clipping, AdamW. All sides are in one process with the same threads and take turns; what is left
out on every side: data, compiling, the first steps, evaluation. Ratios are taken round by round;
their median is shown.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch

from a3b_tune.data.load import load
from a3b_tune.data.text import Text
from a3b_tune.training import Diverged, Prepared, open_learner, recipe_from
from a3b_tune.training.learner import never
from a3b_tune.training.shape import Shape
from benchmarks.peers.encoder import Encoder, Loop
from benchmarks.peers.stacked import FEW, MANY
from benchmarks.stack import about_machine

DEPTH, HEADS, LENGTH, BATCH = 3, 4, 128, 32
CELLS = {"one member, width 128": (128, 1), "four members, width 32": (32, 4)}
SIDES = ("peer", "peer+compile", "ours", "ours+compile")

Turn = Callable[[], float]
"""Does so many steps; tokens per second."""


def peer(text: Text, width: int, steps: int, compiled: bool) -> Turn:
    """The usual loop. Members one by one go as fast as one."""
    model = Encoder(len(text.alphabet), width, HEADS, DEPTH, LENGTH)
    loop = Loop(text.train, model, BATCH, LENGTH, compiled)

    def turn() -> float:
        began = perf_counter()
        loop.steps(steps)
        return steps * BATCH * LENGTH / (perf_counter() - began)

    return turn


def ours(text: Text, width: int, members: int, steps: int, compiled: bool) -> Turn:
    """The learner that a study would open, the time of its steps as it tells it."""
    settings: dict[str, Any] = {
        "model.name": "causal_transformer",
        "model.width": width,
        "model.heads": HEADS,
        "model.depth": DEPTH,
        "data.max_length": LENGTH,
        "optimizer.name": "adamw",
        "training.batch_size": BATCH,
        "training.steps": steps * 1000,
        "training.evaluate_every": steps,
        "training.windows": 8,
        "training.final_batches": 0,
        "samples.length": 0,
    }
    prepared = Prepared(text, torch.device("cpu"))
    ahead = MANY if compiled else FEW
    learner = open_learner(Shape.of(settings), prepared, members, never, ahead)
    for seed in range(members):
        learner.add(recipe_from(settings, seed))

    def turn() -> float:
        seconds = 0.0
        for epoch in learner.epoch().values():
            if isinstance(epoch, Diverged):
                raise epoch
            seconds += epoch.seconds
        return members * steps * BATCH * LENGTH / seconds

    return turn


def measure(name: str, text: Text, args: argparse.Namespace) -> dict[str, Any]:
    """One cell: every side's rate in every round."""
    width, members = CELLS[name]
    turns: dict[str, Turn] = {}
    for side in args.sides:
        compiled = side.endswith("+compile")
        if side.startswith("peer"):
            turns[side] = peer(text, width, args.steps, compiled)
        elif members > 1 or not compiled:  # a model alone is never compiled on a CPU
            turns[side] = ours(text, width, members, args.steps, compiled)
    for turn in turns.values():
        turn()  # the step is compiled in the second turn at the latest
        turn()
    rates: dict[str, list[float]] = {side: [] for side in turns}
    for number in range(args.rounds):
        first = number % len(turns)
        for side in (*args.sides[first:], *args.sides[:first]):
            if side in turns:
                rates[side].append(turns[side]())
    row = {
        "cell": name,
        "tokens_per_second": {side: round(median(found)) for side, found in rates.items()},
        "ratios": ratios(rates),
        "rounds": {side: [round(rate) for rate in found] for side, found in rates.items()},
    }
    shown = "  ".join(f"{side} {rate}" for side, rate in row["tokens_per_second"].items())
    print(f"{name:24} {shown} tokens/s  {row['ratios']}", flush=True)
    return row


def ratios(rates: dict[str, list[float]]) -> dict[str, float]:
    """The median over the rounds of each of our rates over each peer's."""
    found = {}
    for own in (side for side in rates if side.startswith("ours")):
        for other in (side for side in rates if side.startswith("peer")):
            pairs = zip(rates[own], rates[other], strict=True)
            found[f"{own} / {other}"] = round(median(a / b for a, b in pairs), 2)
    return found


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=16, help="of one turn")
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--cells", nargs="+", choices=list(CELLS), default=list(CELLS))
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    torch.set_num_threads(args.threads)
    text = load("toy", characters=100_000)
    assert isinstance(text, Text)
    rows = [measure(name, text, args) for name in args.cells]
    if args.out:
        about = about_machine("cpu") | {"threads": args.threads, "steps": args.steps}
        args.out.write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
