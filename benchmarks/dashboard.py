"""How long until a person sees a study of 10 000 trials, and what it costs to keep seeing it.

    python -m benchmarks.dashboard --out benchmarks/results/dashboard.json

One SQLite file, 10 000 trials of 20 epochs each, shown by `a3b-tune dashboard` and by
optuna-dashboard's own command, one after the other in one run, each round with a fresh server:

- first: seconds of the first whole answer that a page asks for, the server just started; again: of
  the second; and the bytes that travel.
- poll: seconds of what a page that is up to date asks every ten seconds; ten: of the slowest of ten
  pages that ask at once.
- usable: seconds from typing the address to a page in a real browser that shows the history of all
  trials and answers to the mouse, the server having been up for a while.
- memory: what the server holds afterwards.
"""

import argparse
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil
from optuna.trial import TrialState

from a3b_tune.data.load import load as load_data
from a3b_tune.storage.opening import open_storage
from a3b_tune.storage.verbs import Change
from a3b_tune.study import Choices, StudyFile, load, override
from a3b_tune.study.catalogue import find
from a3b_tune.tuning import records
from a3b_tune.tuning.space import distribution, whole_settings
from a3b_tune.tuning.studies import begin_or_go_on
from benchmarks.stack import about_machine
from tests.results.dashboard.browser import Browser

OURS, THEIRS = "a3b-tune", "optuna-dashboard"
STUDY = "/api/studies/1"
# Seconds for which optuna-dashboard answers from memory; its pages ask as seldom.
PAUSE = 10.5
PEOPLE = 10
TOGETHER = 500
HISTORY = (
    "[...document.querySelectorAll('#plot-history')].some(one => (one.data || []).some("
    "line => (line.x || []).length >= {trials}))"
)


@dataclass
class Seen:
    """One round of one side, in seconds and bytes."""

    side: str
    first: float
    again: float
    bytes: int
    poll: float
    poll_bytes: int
    ten: float
    usable: float
    memory: int


def fill(url: str, trials: int, epochs: int) -> None:
    """A study of synth as a search leaves it, with curves that were made up."""
    asked = [f"study.trials={trials}", f"training.epochs={epochs}", "data.rows=2000"]
    file = override(load(find("synth")), asked)
    dataset = load_data("synth").sample(2000, 0)
    stored = begin_or_go_on(open_storage(url, create=True), file, dataset)
    rng = random.Random(0)
    worker = records.this_worker()
    while True:
        claim = worker.claim()
        mark = {records.WORKER: worker.to_json()}
        made = stored.storage.create_within(stored.id, trials, claim, mark, TOGETHER)
        if not made:
            return
        ends = [ending(file, trial._trial_id, claim, epochs, rng) for trial in made]
        assert stored.storage.write_all(ends) == []


def ending(file: StudyFile, trial_id: int, claim: str, epochs: int, rng: random.Random) -> Change:
    searched = file.searched().items()
    ranges = {name: distribution(setting) for name, setting in searched}
    params = {
        name: rng.choice(setting.choices)
        if isinstance(setting, Choices)
        else float(setting.low) * (setting.high / setting.low) ** rng.random()
        for name, setting in searched
    }
    top, value, curve = rng.uniform(0.6, 1.0), 0.5, []
    for epoch in range(1, epochs + 1):
        value = round((value + 0.3 * (top - value)) * 25_000) / 25_000
        measured = {"epoch": epoch, "loss": rng.random(), "accuracy": value, "lr": rng.random()}
        measured |= {"gradient_norm": rng.random(), "seconds": rng.random()}
        curve.append({**measured, "evaluation_seconds": rng.random()})
    pruned = rng.random() < 0.3
    record = {
        "seed": rng.getrandbits(62),
        "settings": whole_settings(file, params),
        "repeats": None,
        records.STACK: 16,
        "device": "cpu (x86_64, 2 cores)",
        "threads": 1,
        "data_hash": "0" * 64,
        "versions": records.versions(),
        "commit": "0" * 12,
    }
    attrs = {
        records.RECORD: record,
        records.EPOCHS: curve,
        records.SECONDS: dict.fromkeys(("training", "evaluation", "sampling", "storage"), 1.25),
        records.BEST_EPOCH: epochs,
        records.REASON: f"behind at epoch {epochs}" if pruned else None,
    }
    values = {measured["epoch"]: measured["accuracy"] for measured in curve}
    state = TrialState.PRUNED if pruned else TrialState.COMPLETE
    return Change(trial_id, claim, params, ranges, values, attrs, state=state, value=value)


def command(side: str, url: str, port: int) -> list[str]:
    program = shutil.which(side, path=str(Path(sys.executable).parent))
    assert program is not None
    if side == OURS:
        return [program, "dashboard", "--storage", url, "--port", str(port)]
    return [program, url, "--host", "127.0.0.1", "--port", str(port), "--quiet"]


@contextmanager
def serving(side: str, url: str) -> Iterator[tuple[str, psutil.Process]]:
    """A fresh server, from when it answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        command(side, url, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120.0
        while True:
            assert process.poll() is None
            assert time.monotonic() < deadline
            try:
                ask(f"{address}/api/meta")
                break
            except OSError:
                time.sleep(0.02)
        yield address, psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def ask(url: str) -> tuple[float, int]:
    """Seconds and bytes of one answer."""
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    began = time.perf_counter()
    with urllib.request.urlopen(asked, timeout=600.0) as answer:
        size = len(answer.read())
    return time.perf_counter() - began, size


def usable(address: str, trials: int) -> float:
    with Browser() as browser:
        browser.patience = 900.0
        began = time.perf_counter()
        browser.go(f"{address}/dashboard/studies/1")
        browser.until(HISTORY.format(trials=trials))
        # It is answered when the page has drawn all that it was about to draw.
        browser.run("document.title")
        return time.perf_counter() - began


def see(side: str, url: str, trials: int) -> Seen:
    with serving(side, url) as (address, process):
        whole, new = f"{address}{STUDY}?after=0", f"{address}{STUDY}?after={trials}"
        first, size = ask(whole)
        again, _ = ask(whole)
        time.sleep(PAUSE)
        poll, poll_size = ask(new)
        time.sleep(PAUSE)
        with ThreadPoolExecutor(PEOPLE) as people:
            ten = max(seconds for seconds, _ in people.map(ask, [new] * PEOPLE))
        seconds = usable(address, trials)
        memory = process.memory_info().rss
    return Seen(side, first, again, size, poll, poll_size, ten, seconds, memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/studies.db"
        fill(url, args.trials, args.epochs)
        rounds = [
            see(side, url, args.trials) for _ in range(args.rounds) for side in (OURS, THEIRS)
        ]
    figures = {}
    for side in (OURS, THEIRS):
        mine = [asdict(seen) for seen in rounds if seen.side == side]
        figures[side] = {
            name: round(median(one[name] for one in mine), 3) for name in mine[0] if name != "side"
        }
        print(side.ljust(20), "  ".join(f"{name} {told}" for name, told in figures[side].items()))
    if args.out:
        about = {
            **about_machine("cpu"),
            "trials": args.trials,
            "epochs": args.epochs,
            "optuna_dashboard": version("optuna-dashboard"),
        }
        told = {"about": about, "medians": figures, "rounds": [asdict(seen) for seen in rounds]}
        args.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
