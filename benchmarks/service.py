"""Storage and workers under load: what the service claims, each figure in one run.

`python -m benchmarks.service` runs all parts; name some to run those alone:

- `writers`: 16 processes write trials of 3 parameters and 5 reports to one SQLite file, as
  a3b-tune does and as Optuna's own loop does on its default set-up.
- `overhead`: the share of wall time for storage and sampling, 2 workers of 64 slots on Postgres,
  trials of 10 epochs.
- `scaling`: trial-epochs per second of 2 workers over those of 1.
- `outage`: Postgres is stopped for 60 s under 4 workers.
- `swarm`: 500 workers that train nothing, through the proxy on Postgres.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import optuna

from a3b_tune.data.load import load
from a3b_tune.results.work import work
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import loads
from a3b_tune.tuning.asking import Queue
from a3b_tune.tuning.events import EpochDone, Event, WorkerDied
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on, go_on
from a3b_tune.tuning.trials import write_all
from a3b_tune.workers.team import Job, Team
from benchmarks.stack import about_machine
from tests.postgres import server, stoppable_server
from tests.storage.proxy import serving

RESULTS = Path(__file__).parent / "results" / "service.json"
SPACE = """
[study]
name = "writing"
trials = {trials}
sampler = "random"
pruner = "none"
[data]
name = "xor"
rows = 64
[model]
name = "baseline"
pool = {{ choices = ["mean", "max", "select"] }}
width = {{ choices = [4, 8, 16] }}
[optimizer]
lr = {{ low = 1e-4, high = 1e-1, log = true }}
[training]
epochs = 5
"""
# A baseline cannot see two words at once: it never reaches 1.0, so every trial runs all its epochs.
TRAINING = """
[study]
name = "training"
trials = {trials}
pruner = "none"
[data]
name = "synth"
[model]
name = "baseline"
pool = "mean"
width = 64
[optimizer]
lr = {{ low = 1e-4, high = 1e-1, log = true }}
weight_decay = {{ low = 1e-6, high = 1e-2, log = true }}
[training]
epochs = {epochs}
batch_size = 32
"""
MEASURED = {
    "loss": 0.5, "accuracy": 0.5, "gradient_norm": 1.0, "lr": 0.1, "seconds": 1.0,
    "evaluation_seconds": 0.1,
}  # fmt: skip


def begin(url: str, text: str) -> StoredStudy:
    file = loads(text, "benchmark.toml")
    return begin_or_go_on(
        open_storage(url, create=True), file, load(file.data.name, rows=file.data.rows)
    )


def pretend(stored: StoredStudy, budget: int, asks: list[float]) -> int:
    """One worker's share of a study, as the loop does it but for the training."""
    queue, done = Queue(stored, budget, {}), 0
    while True:
        began = time.perf_counter()
        trial = queue.leader()
        asks.append(time.perf_counter() - began)
        if trial is None:
            return done
        for epoch in range(1, 6):
            trial.report(0.1 * epoch, {**MEASURED, "epoch": epoch})
        trial.complete()
        assert write_all([trial]) == []
        done += 1


def write_ours(url: str, budget: int, told: Any, ready: Any) -> None:
    try:
        stored = go_on(open_storage(url, create=True), "writing")
        ready.wait()
        told.put((pretend(stored, budget, []), None))
    except Exception as error:  # noqa: BLE001
        told.put((0, repr(error)[:200]))


def write_optuna(url: str, budget: int, told: Any, ready: Any) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: optuna.Trial) -> float:
        trial.suggest_categorical("pool", ["mean", "max", "select"])
        trial.suggest_categorical("width", [4, 8, 16])
        trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        for step in range(5):
            trial.report(0.1 * step, step)
            trial.should_prune()
        return 0.5

    done, errors = 0, None
    try:
        sampler = optuna.samplers.RandomSampler()
        study = optuna.load_study(study_name="writing", storage=url, sampler=sampler,
                                  pruner=optuna.pruners.NopPruner())  # fmt: skip
        ready.wait()
        for _ in range(budget):
            study.optimize(objective, n_trials=1)
            done += 1
    except Exception as error:  # noqa: BLE001
        errors = repr(error)[:200]
    told.put((done, errors))


def race(target: Any, url: str, processes: int, budget: int) -> dict[str, Any]:
    """Many processes at once: trials per second, and the errors they died of."""
    context = multiprocessing.get_context("fork")
    told, ready = context.Queue(), context.Barrier(processes + 1)
    arguments = (url, budget, told, ready)
    workers = [context.Process(target=target, args=arguments) for _ in range(processes)]
    for worker in workers:
        worker.start()
    # Opening the storage is not what is measured.
    ready.wait()
    began = time.perf_counter()
    outcomes = [told.get() for _ in workers]
    seconds = time.perf_counter() - began
    for worker in workers:
        worker.join()
    trials = sum(done for done, _ in outcomes)
    return {
        "trials": trials,
        "seconds": round(seconds, 2),
        "trials_per_second": round(trials / seconds, 1),
        "errors": dict(Counter(error for _, error in outcomes if error)),
    }


def writers(trials: int = 480, processes: int = 16) -> dict[str, Any]:
    rounds = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            ours = f"sqlite:///{folder}/ours.db"
            begin(ours, SPACE.format(trials=trials)).storage.engine.dispose()  # type: ignore[attr-defined]
            peer = f"sqlite:///{folder}/peer.db"
            optuna.create_study(study_name="writing", storage=peer)
            found = {
                "a3b-tune": race(write_ours, ours, processes, trials),
                "optuna": race(write_optuna, peer, processes, trials // processes // 2),
            }
            rounds.append(found)
    ratios = [r["a3b-tune"]["trials_per_second"] / r["optuna"]["trials_per_second"] for r in rounds]
    return {"processes": processes, "rounds": rounds, "ratio": round(statistics.median(ratios), 1)}


def run_team(
    url: str, text: str, count: int, stack: str, notify: Any = lambda event: None
) -> tuple[str, StoredStudy]:
    stored = begin(url, text)
    job = Job(
        url=url, study=stored.file.study.name, device="cpu", data_dir=None,
        trials=stored.file.study.trials, deadline=None, stack=stack,
        workers=count, patience=600.0, wait=True,
    )  # fmt: skip
    return Team(stored, job, count, notify)(lambda: None), stored


def accounts(stored: StoredStudy) -> dict[str, Any]:
    found = work(stored.study.user_attrs)
    assert found is not None
    epochs = sum(len(trial.intermediate_values) for trial in stored.study.trials)
    return {
        "trials": found.trials,
        "trial_epochs": epochs,
        "wall": round(found.wall, 1),
        "trial_epochs_per_second": round(epochs / found.wall, 2),
        "shares": {part: round(share, 4) for part, share in found.shares().items()},
        "slots_busy": round(found.slots_busy or 0.0, 3),
    }


def overhead() -> dict[str, Any]:
    with server() as url:
        text = TRAINING.format(trials=512, epochs=10)
        _, stored = run_team(url, text, 2, "64")
        told = accounts(stored)
    told["storage_and_sampling"] = round(told["shares"]["storage"] + told["shares"]["sampling"], 4)
    return told


def scaling() -> dict[str, Any]:
    rounds = []
    for _ in range(3):
        found = {}
        for count in (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                text = TRAINING.format(trials=64 * count, epochs=10)
                _, stored = run_team(f"sqlite:///{folder}/scaling.db", text, count, "32")
                found[str(count)] = accounts(stored)
        rounds.append(found)
    ratios = [r["2"]["trial_epochs_per_second"] / r["1"]["trial_epochs_per_second"] for r in rounds]
    return {"rounds": rounds, "ratio": round(statistics.median(ratios), 2)}


def outage(seconds: float = 60.0) -> dict[str, Any]:
    events: list[Event] = []
    begun = threading.Event()
    with stoppable_server() as database:

        def gone() -> None:
            database.stop()
            time.sleep(seconds)
            database.start()

        def notify(event: Event) -> None:
            events.append(event)
            if isinstance(event, EpochDone) and not begun.is_set():
                begun.set()
                threading.Thread(target=gone).start()

        text = TRAINING.format(trials=64, epochs=10)
        ending, stored = run_team(database.url, text, 4, "8", notify)
        trials = stored.study.trials
    return {
        "seconds": seconds,
        "workers": 4,
        "ending": ending,
        "states": dict(Counter(trial.state.name for trial in trials)),
        "trials_with_all_epochs": sum(
            sorted(trial.intermediate_values) == list(range(1, 11)) for trial in trials
        ),
        "trials_lost_or_run_again": sum("a3b:interrupted" in trial.user_attrs for trial in trials),
        "workers_dead": sum(isinstance(event, WorkerDied) for event in events),
    }


def swarm_process(url: str, workers: int, budget: int, told: Any) -> None:
    """Many workers of the swarm, a thread each, each with a connection of its own."""
    asks: list[float] = []
    errors: list[str] = []
    done: list[int] = []

    def one() -> None:
        try:
            stored = go_on(open_storage(url, create=True), "writing")
            stored.storage.patience.limit = 600.0
            done.append(pretend(stored, budget, asks))
        except Exception as error:  # noqa: BLE001
            errors.append(repr(error)[:200])

    threads = [threading.Thread(target=one) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put((sum(done), asks, errors))


def swarm(workers: int = 500, processes: int = 5, trials: int = 1500) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with server() as database:
        begin(database, SPACE.format(trials=trials))
        with serving(database) as url:
            told = context.Queue()
            each = workers // processes
            members = [
                context.Process(target=swarm_process, args=(url, each, trials, told))
                for _ in range(processes)
            ]
            began = time.perf_counter()
            for member in members:
                member.start()
            outcomes = [told.get() for _ in members]
            seconds = time.perf_counter() - began
        stored = go_on(open_storage(database), "writing")
        states = Counter(trial.state.name for trial in stored.study.trials)
    asks = sorted(ask for _, some, _ in outcomes for ask in some)
    return {
        "workers": workers,
        "trials": sum(done for done, _, _ in outcomes),
        "states": dict(states),
        "seconds": round(seconds, 1),
        "trials_per_second": round(trials / seconds, 1),
        "ask_median": round(asks[len(asks) // 2], 3),
        "ask_p99": round(asks[int(0.99 * len(asks))], 3),
        "errors": dict(Counter(error for _, _, some in outcomes for error in some)),
    }


PARTS = {
    "writers": writers,
    "overhead": overhead,
    "scaling": scaling,
    "outage": outage,
    "swarm": swarm,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    result = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name in options.parts or PARTS:
        if name not in PARTS:
            sys.exit(f"no part {name!r}; there are {', '.join(PARTS)}")
        result[name] = {**about_machine("cpu"), **PARTS[name]()}  # type: ignore[operator]
        print(name, json.dumps(result[name]), flush=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
