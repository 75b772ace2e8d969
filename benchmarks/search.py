"""Does searching in stacks find what searching one by one finds?

    python -m benchmarks.search --data-dir ~/data --out benchmarks/results/search.json

A stack asks for several trials of one shape before it has heard of any: the sampler knows less when
it draws. Here whole studies are run both ways over several seeds, with the same sampler, pruner and
number of trials, and the best values after N trials are compared: xor (the shipped study), and IMDb
cut to 2 000 training rows (the shipped study's ranges), where no ceiling hides a difference.
"""

import argparse
import json
import multiprocessing
import platform
import tempfile
import time
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

import optuna
import torch

from a3b_tune.storage.opening import open_storage
from a3b_tune.study import StudyFile, load, override
from a3b_tune.study.catalogue import find
from a3b_tune.training import Prepared
from a3b_tune.training.prepared import load_dataset
from a3b_tune.tuning.events import Event, TrialEnded
from a3b_tune.tuning.loop import Limits, Run
from a3b_tune.tuning.studies import begin_or_go_on

XOR = ("xor", ["study.trials=12"])
IMDB = ("imdb", ["study.trials=24", "data.rows=2000", "data.max_length=200"])


@dataclass(frozen=True)
class Job:
    study: str
    changes: tuple[str, ...]
    stack: str
    seed: int
    data_dir: Path | None


@dataclass(frozen=True)
class Found:
    """What one search came to: its best value, and after how many ended trials it was met."""

    study: str
    stack: str
    seed: int
    best: float
    met_after: int
    seconds: float


def asked(job: Job) -> StudyFile:
    file = load(find(job.study))
    return override(file, [*job.changes, f"study.seed={job.seed}"], where="benchmark")


def run(job: Job) -> Found:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file = asked(job)
    prepared = Prepared(load_dataset(file.data, job.data_dir), torch.device("cpu"))
    values: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, TrialEnded):
            values.append(event.value if event.value is not None else 0.0)

    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(f"sqlite:///{folder}/search.db", create=True)
        stored = begin_or_go_on(storage, file, prepared.dataset)
        limits = Limits(file.study.trials, None, lambda: None)
        began = time.perf_counter()
        Run(stored, prepared, limits, listen, stack=job.stack)()
        seconds = time.perf_counter() - began
    best = max(values)
    return Found(job.study, job.stack, job.seed, best, values.index(best) + 1, seconds)


def summary(study: str, found: list[Found]) -> dict[str, object]:
    """Means over seeds, and the difference with its standard error."""
    alone = [f for f in found if f.study == study and f.stack == "1"]
    stacked = [f for f in found if f.study == study and f.stack != "1"]
    bests = [[f.best for f in side] for side in (alone, stacked)]
    error = sqrt(sum(stdev(side) ** 2 / len(side) for side in bests))
    return {
        "study": study,
        "seeds": len(alone),
        "one_by_one": round(mean(bests[0]), 5),
        "one_by_one_sd": round(stdev(bests[0]), 5),
        "stacked": round(mean(bests[1]), 5),
        "stacked_sd": round(stdev(bests[1]), 5),
        "difference": round(mean(bests[1]) - mean(bests[0]), 5),
        "standard_error": round(error, 5),
        "met_after": [round(mean(f.met_after for f in side), 1) for side in (alone, stacked)],
        "seconds": [round(mean(f.seconds for f in side), 1) for side in (alone, stacked)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--stack", default="auto")
    parser.add_argument("--data-dir", type=Path, help="where imdb.word.pkl.gz is; else no IMDb")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    works = [*([IMDB] if args.data_dir else []), XOR]
    jobs = [
        Job(study, tuple(changes), stack, seed, args.data_dir)
        for study, changes in works
        for seed in range(args.seeds)
        for stack in ("1", args.stack)
    ]
    found: list[Found] = []
    with multiprocessing.get_context("spawn").Pool(args.processes) as pool:
        for one in pool.imap_unordered(run, jobs):
            found.append(one)
            print(
                f"{one.study:5} stack {one.stack:4} seed {one.seed}: best {one.best:.5f} "
                f"after {one.met_after} trials, {one.seconds:.0f} s",
                flush=True,
            )
    rows = [summary(study, found) for study, _ in works]
    for row in rows:
        print(row)
    if args.out:
        about = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "optuna": optuna.__version__,
            "processes": args.processes,
        }
        runs = [asdict(one) for one in found]
        args.out.write_text(json.dumps({"about": about, "rows": rows, "runs": runs}, indent=1))


if __name__ == "__main__":
    main()
