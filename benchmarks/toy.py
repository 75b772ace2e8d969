"""How near to the grammar a tuned character model comes, and how much of what it writes the grammar
could have written.

    python -m benchmarks.toy --timeout 1h                         # searches first, in a new folder
    python -m benchmarks.toy --storage sqlite:///a3b-tune.db      # a study that is there

The peer is an untuned model (width 96, depth 3, 4 heads, windows of 64, batches of 32, AdamW at
2e-3 with warm-up and cosine), trained on the same text for as many steps. Both are scored on fresh
windows of the validation text; sentences are sampled from the best model at three temperatures.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from a3b_tune.cli.figures import duration
from a3b_tune.data import Judged
from a3b_tune.data.text import Text
from a3b_tune.results.models import best_model
from a3b_tune.results.overview import StudyOverview, study_overview
from a3b_tune.storage.opening import open_storage
from a3b_tune.training import Prepared, recipe_from
from a3b_tune.training.kept_model import KeptModel, open_model
from a3b_tune.training.plain import PlainLearner
from a3b_tune.training.prepared import load_dataset
from a3b_tune.training.sampling import sample
from a3b_tune.training.seeding import sentence_starts
from a3b_tune.tuning.studies import StoredStudy, go_on
from benchmarks.stack import about_machine

REACHED = 0.010
TEMPERATURES = (1.0, 0.8, 0.5)
TEXTS, SEED, LENGTH = 128, 16, 1000

UNTUNED: dict[str, Any] = {
    "data.max_length": 64,
    "model.name": "causal_transformer",
    "model.width": 96,
    "model.depth": 3,
    "model.heads": 4,
    "optimizer.name": "adamw",
    "optimizer.lr": 2e-3,
    "training.batch_size": 32,
    "training.warmup": 0.1,
    "training.schedule": "cosine",
}


def search(timeout: str, url: str) -> None:
    """The command, as a person types it."""
    program = str(Path(sys.executable).with_name("a3b-tune"))
    command = [program, "toy", "--timeout", timeout, "--storage", url]
    subprocess.run(command, check=True)


def found_by(overview: StudyOverview) -> dict[str, Any]:
    """What the search came to, and how long it took until it was good enough."""
    best = overview.best
    assert best is not None and overview.started is not None and overview.last is not None
    good = [
        row.ended
        for row in overview.ranking
        if row.ended and row.scores.get("final_excess", 1.0) <= REACHED
    ]
    reached = (min(good) - overview.started).total_seconds() if good else None
    return {
        "trials": dict(overview.counts),
        "seconds": round((overview.last - overview.started).total_seconds()),
        f"seconds_to_{REACHED}": None if reached is None else round(reached),
        "floor": None if overview.floor is None else overview.floor.value,
        "best": {
            "trial": best.number,
            "settings": best.settings,
            "bits": best.value,
            "scores": best.scores,
            "seconds": best.seconds,
        },
    }


def untuned(stored: StoredStudy, text: Text, steps: int) -> dict[str, float]:
    """The final scores of the peer."""
    settings = UNTUNED | {"training.steps": steps, "training.evaluate_every": steps}
    recipe = recipe_from(settings | {"samples.length": 0}, stored.file.study.seed)
    *_, last = PlainLearner(recipe, Prepared(text, torch.device("cpu"))).epochs()
    return dict(last.scores)


def written_by(kept: KeptModel, text: Text) -> list[dict[str, float | None]]:
    """What the grammar says of sentences, at each temperature."""
    assert text.judge is not None
    starts = sentence_starts(text, TEXTS, SEED)
    seeds = torch.stack([text.validation[at - SEED : at].long() for at in starts])
    rows = []
    for temperature in TEMPERATURES:
        tokens = sample(
            kept.model, seeds, LENGTH, longest=kept.longest, temperature=temperature, top_k=0,
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
        found = Judged()
        for row in tokens:
            found = found.plus(text.judge(text.alphabet.decode(row)))
        told = {"sentences": found.sentences, "valid_share": found.valid_share}
        rows.append({"temperature": temperature, **told, "bits": found.mean_bits})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--timeout", default="1h")
    parser.add_argument("--storage", help="a study that is there; else one is searched")
    parser.add_argument("--study", default="toy")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = args.storage or f"sqlite:///{folder}/toy.db"
        if not args.storage:
            search(args.timeout, url)
        stored = go_on(open_storage(url), args.study)
        overview = study_overview(stored)
        found = found_by(overview)
        kept = open_model(best_model(stored)[1])
    print(f"searched for {duration(found['seconds'])}:", json.dumps(found, indent=1))
    torch.set_num_threads(os.cpu_count() or 1)
    text = load_dataset(stored.file.data)
    assert isinstance(text, Text)
    rows = written_by(kept, text)
    print(json.dumps(rows, indent=1))
    peer = untuned(stored, text, int(found["best"]["settings"]["training.steps"]))
    print("untuned:", json.dumps(peer))
    if args.out:
        about = about_machine("cpu") | {"threads": torch.get_num_threads()}
        result = {"about": about, "search": found, "written": rows, "untuned": peer}
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
