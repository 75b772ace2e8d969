"""How much of a GPU's peak a large model takes: model FLOP/s of training on windows of bytes.

    python -m benchmarks.wp                      # depth 12, width 768, windows of 512, bfloat16
    python -m benchmarks.wp --peak 989 --batch 64 --accumulate 1
    python -m benchmarks.wp --tiny               # the same code on a CPU; its share means nothing

It is a3b-tune's plain learner that trains, as for a study with one slot; the bytes are random,
which costs what real ones do. Counted are, for each token that is trained on:

    6 · N                        N parameters that multiply: without embeddings and positions, with
                                 the output layer; 2 forward, 4 backward
    12 · depth · width · L       scores and weighted sums, every pair, no causal half left out, as
                                 is usual (2 products of 2 · width · L forward, twice as much
                                 backward)

Embedding look-ups, layer norms and the optimizer are not counted. The first rounds, in which
kernels are compiled, are left out; so is evaluation.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from a3b_tune.data.load import load
from a3b_tune.data.text import Text
from a3b_tune.training import Prepared, recipe_from
from a3b_tune.training.device import prepare_process
from a3b_tune.training.plain import PlainLearner
from benchmarks.stack import about_machine

WARM = 2  # rounds that are not counted
TINY = {"depth": 2, "width": 32, "heads": 2, "length": 32, "batch": 4, "steps": 2, "rounds": 2}


def multiplying(model: nn.Module) -> int:
    """Parameters that each token is multiplied with."""
    looked_up = ("embedding.weight", "positions.table")
    return sum(p.numel() for name, p in model.named_parameters() if name not in looked_up)


def flops_per_token(model: nn.Module, depth: int, width: int, length: int) -> int:
    """Floating-point operations of training on one token, as the head of this file counts them."""
    return 6 * multiplying(model) + 12 * depth * width * length


def random_bytes(count: int) -> Text:
    """A text of all bytes, by way of a file as a user's would be."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "random.bin"
        generator = torch.Generator().manual_seed(0)
        drawn = torch.randint(256, (count,), generator=generator, dtype=torch.uint8)
        path.write_bytes(drawn.numpy().tobytes())
        text = load("text", path=path, tokens="bytes")
    assert isinstance(text, Text)
    return text


def learner_of(text: Text, device: torch.device, args: argparse.Namespace) -> PlainLearner:
    settings: dict[str, Any] = {
        "model.name": "causal_transformer",
        "model.width": args.width,
        "model.heads": args.heads,
        "model.depth": args.depth,
        "data.max_length": args.length,
        "optimizer.name": "adamw",
        "optimizer.lr": 3e-4,
        "training.batch_size": args.batch,
        "training.accumulate": args.accumulate,
        "training.steps": args.steps * 100_000,  # so many that compiling pays
        "training.evaluate_every": args.steps,
        "training.windows": args.batch,
        "training.final_batches": 0,
        "samples.length": 0,
    }
    precision = "bfloat16" if device.type == "cuda" else "auto"
    prepare_process(device, precision)
    return PlainLearner(recipe_from(settings, 0), Prepared(text, device, precision))


def measure(device: torch.device, args: argparse.Namespace) -> dict[str, Any]:
    """Tokens per second of each round, and what they are of the peak."""
    learner = learner_of(random_bytes(args.characters), device, args)
    per_token = flops_per_token(learner.model, args.depth, args.width, args.length)
    tokens = args.steps * args.batch * args.length
    rates = [tokens / learner.epoch().seconds for _ in range(WARM + args.rounds)][WARM:]
    rate = median(rates)
    return {
        "tokens_per_second": round(rate),
        "rounds": [round(one) for one in rates],
        "multiplying_parameters": multiplying(learner.model),
        "flops_per_token": per_token,
        "teraflops_per_second": round(rate * per_token / 1e12, 3),
        "share_of_peak": round(rate * per_token / (args.peak * 1e12), 4),
        "peak_teraflops": args.peak,
    }


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--steps", type=int, default=50, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--characters", type=int, default=10_000_000)
    parser.add_argument("--peak", type=float, default=989.0, help="TFLOP/s; H100 and H200: 989")
    parser.add_argument("--tiny", action="store_true", help="a small model, on the CPU")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    if args.tiny:
        vars(args).update(TINY, characters=20_000)
    return args


def main() -> None:
    args = parsed()
    if not args.tiny and not torch.cuda.is_available():
        print("benchmarks.wp: needs a GPU and none can be seen here; --tiny runs on the CPU",
              file=sys.stderr)  # fmt: skip
        sys.exit(2)
    device = torch.device("cpu" if args.tiny else "cuda")
    found = measure(device, args)
    shown = {key: value for key, value in found.items() if key != "rounds"}
    print("  ".join(f"{key} {value}" for key, value in shown.items()))
    if args.out:
        shape = {key: getattr(args, key) for key in ("depth", "width", "heads", "length", "batch")}
        about = about_machine(device.type) | shape | {"accumulate": args.accumulate}
        args.out.write_text(json.dumps({"about": about, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
