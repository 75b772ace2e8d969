"""Workers that are killed at random moments: does every trial end once, and as if nothing had
happened?

`python -m benchmarks.chaos --runs 20` starts, for each run, a study of 200 trials on a fresh SQLite
file and one on a real Postgres, 8 workers each, and kills 30 of them with SIGKILL. A killed worker
is replaced at once. Afterwards every trial is trained again, alone and unbroken, and its curve
compared.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import sqlalchemy
import torch
from optuna.trial import TrialState

from a3b_tune.data.load import load
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import StudyFile, loads
from a3b_tune.training import Prepared, recipe_from
from a3b_tune.training.device import prepare_process
from a3b_tune.training.plain import PlainLearner
from a3b_tune.tuning import records
from a3b_tune.tuning.liveness import losses
from a3b_tune.tuning.studies import begin_or_go_on
from benchmarks.chaos_worker import work
from benchmarks.stack import about_machine
from tests.postgres import server

RESULTS = Path(__file__).parent / "results" / "chaos.json"
FILE = """
[study]
name = "chaos"
trials = {trials}
sampler = "random"
pruner = "{pruner}"
retries = 1000
heartbeat = "2s"
checkpoint = "0.01s"
[data]
name = "xor"
rows = 320
[model]
name = "baseline"
pool = "select"
width = {{ choices = [4, 8, 16] }}
[optimizer]
name = {{ choices = ["adam", "adamw", "sgd"] }}
lr = {{ low = 1e-4, high = 1e-1, log = true }}
[training]
epochs = 12
batch_size = {{ choices = [32, 64] }}
schedule = "cosine"
warmup = 0.1
clip = 1.0
"""


@dataclass
class Outcome:
    """What became of one run. `again` are trials that were lost with their workers and run again,
    `resumed` those that went on from a checkpoint, `unlike` those whose curve is not that of the
    unbroken one, to the last bit where trials are trained alone; `worst` the largest difference of
    accuracy; `noticed` the seconds from a kill until the last of its trials was given back,
    `slowest` until it was running again, for which a worker must be free. Workers that are `apart`
    know of each other by their heartbeats alone, every 2 s."""

    storage: str
    stack: str
    apart: bool
    seconds: float = 0.0
    kills: int = 0
    states: dict[str, int] = field(default_factory=dict)
    again: int = 0
    resumed: int = 0
    noticed: float = 0.0
    unlike: list[int] = field(default_factory=list)
    worst: float = 0.0
    slowest: float = 0.0
    slowest_each: list[float] = field(default_factory=list)
    noticed_each: list[float] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return not self.unlike and set(self.states) <= {"COMPLETE", "PRUNED"}


def one_run(url: str, name: str, options: argparse.Namespace, seed: int) -> Outcome:
    """One study with its kills."""
    chance = random.Random(seed)
    stack, apart = [("1", False), ("6", True), ("1", True), ("6", False)][seed % 4]
    outcome = Outcome(name, stack, apart)
    file = loads(FILE.format(trials=options.trials, pruner="none"), "chaos.toml")
    prepared = Prepared(load("xor", rows=320), torch.device("cpu"))
    stored = begin_or_go_on(open_storage(url, create=True), file, prepared.dataset)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.chaos_worker"])

    def start():
        process = context.Process(target=work, args=(url, options.trials, stack, apart))
        process.start()
        return process

    began = time.monotonic()
    workers = [start() for _ in range(options.workers)]
    next_kill = began + chance.uniform(0.5, 1.5)
    waiting: dict[int, tuple[float, str]] = {}
    noticed: set[int] = set()
    while any(worker.is_alive() for worker in workers):
        time.sleep(0.05)
        now = time.monotonic()
        if waiting:
            for trial in stored.storage.read(stored.id, list(waiting)):
                killed, claim = waiting[trial._trial_id]
                given_back = trial.user_attrs.get("a3b:claim") != claim
                if given_back and trial._trial_id not in noticed:
                    noticed.add(trial._trial_id)
                    outcome.noticed_each.append(round(now - killed, 2))
                if trial.state.is_finished() or (
                    trial.state == TrialState.RUNNING and trial.user_attrs.get("a3b:claim") != claim
                ):
                    outcome.slowest_each.append(round(now - killed, 2))
                    del waiting[trial._trial_id]
                    noticed.discard(trial._trial_id)
        if outcome.kills < options.kills and now > next_kill:
            claimers = [records.claimer(beat.claim) for beat in stored.storage.beats(stored.id)]
            busy = {claimer.pid for claimer in claimers if claimer}
            places = [k for k, worker in enumerate(workers) if worker.pid in busy]
            if places:
                place = chance.choice(places)
                victim = workers[place]
                os.kill(victim.pid, signal.SIGKILL)
                victim.join()
                outcome.kills += 1
                for beat in stored.storage.beats(stored.id):
                    claimer = records.claimer(beat.claim)
                    if claimer and claimer.pid == victim.pid:
                        waiting[beat.trial_id] = (time.monotonic(), beat.claim)
                workers[place] = start()
            # In stacks the study is over sooner.
            next_kill = now + chance.uniform(*options.pause) * (1.0 if stack == "1" else 0.4)
    outcome.seconds = round(time.monotonic() - began, 1)
    check(outcome, stored, prepared, file)
    return outcome


def check(outcome: Outcome, stored, prepared: Prepared, file: StudyFile) -> None:
    """Counts the trials and compares their curves with unbroken ones."""
    trials = stored.storage.get_all_trials(stored.id)
    assert [trial.number for trial in trials] == list(range(file.study.trials)), len(trials)
    outcome.states = dict(Counter(trial.state.name for trial in trials))
    outcome.again = sum(losses(trial.user_attrs) for trial in trials)
    outcome.resumed = sum(bool(trial.user_attrs[records.RECORD].get("resumed")) for trial in trials)
    outcome.noticed = max(outcome.noticed_each, default=0.0)
    outcome.slowest = max(outcome.slowest_each, default=0.0)
    with stored.storage.engine.connect() as connection:
        left = connection.execute(sqlalchemy.text("select count(*) from a3b_checkpoints")).scalar()
    assert left == 0, f"{left} checkpoints are left"
    prepare_process(torch.device("cpu"))
    for trial in trials:
        record = trial.user_attrs[records.RECORD]
        learner = PlainLearner(recipe_from(record["settings"], record["seed"]), prepared)
        unbroken = [epoch.value for epoch in learner.epochs()]
        curve = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
        # A trial that has reached 1.0 ends there.
        unbroken = unbroken[: len(curve)]
        worst = max(abs(a - b) for a, b in zip(curve, unbroken, strict=True))
        outcome.worst = max(outcome.worst, worst)
        epochs = [epoch["epoch"] for epoch in trial.user_attrs[records.EPOCHS]]
        whole = epochs == list(range(1, len(curve) + 1)) and sorted(trial.intermediate_values) == (
            epochs
        )
        if not whole or (worst > 0.0 and outcome.stack == "1") or trial.value != max(curve):
            outcome.unlike.append(trial.number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--pause", type=float, nargs=2, default=(0.4, 2.0))
    parser.add_argument("--storages", nargs="+", default=["postgres", "sqlite"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    # Or each worker would first run this file again.
    main_module = sys.modules["__main__"]
    main_module.__spec__ = None
    del main_module.__file__
    outcomes: list[Outcome] = []
    with ExitStack() as stack:
        postgres = stack.enter_context(server()) if "postgres" in options.storages else ""
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for run in range(options.runs):
            for name in options.storages:
                url = f"sqlite:///{folder}/{run}.db"
                if name == "postgres":
                    url = new_database(postgres)
                outcome = one_run(url, name, options, run)
                outcomes.append(outcome)
                told = asdict(outcome)
                del told["slowest_each"], told["noticed_each"]
                print(json.dumps(told), flush=True)
    again = sorted(delay for outcome in outcomes for delay in outcome.slowest_each)
    noticed = {
        "on one machine": sorted(d for o in outcomes if not o.apart for d in o.noticed_each),
        "on machines of their own": sorted(d for o in outcomes if o.apart for d in o.noticed_each),
    }
    result = {
        **about_machine("cpu"),
        "trials": options.trials,
        "workers": options.workers,
        "kills": options.kills,
        "runs": [
            {key: value for key, value in asdict(outcome).items() if not key.endswith("_each")}
            for outcome in outcomes
        ],
        "heartbeat": 2.0,
        "seconds_from_kill_until_given_back": {k: spread(v) for k, v in noticed.items()},
        "seconds_from_kill_until_running_again": spread(again),
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(0 if all(outcome.right for outcome in outcomes) else 1)


def spread(seconds: list[float]) -> dict[str, float]:
    """Median and most of sorted seconds."""
    return {"median": seconds[len(seconds) // 2], "most": seconds[-1]} if seconds else {}


def new_database(postgres: str) -> str:
    name = f"chaos_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(
        postgres.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    engine.dispose()
    return postgres.rsplit("/", 1)[0] + f"/{name}"


if __name__ == "__main__":
    main()
