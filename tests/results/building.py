"""Studies to read, in real storages: one that was really trained, others told trial by trial."""

from pathlib import Path

import torch

from a3b_tune.data.load import load
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import StudyFile, loads, override
from a3b_tune.training import Prepared
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.loop import Limits, Run
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on
from a3b_tune.tuning.trials import RunningTrial, put_back_all, write_all

FILE = """
[study]
name = "small"
question = "Which pool does the baseline need?"
sampler = "random"
pruner = "none"
trials = 12
[data]
name = "xor"
rows = 2000
[model]
name = "baseline"
width = { choices = [4, 8] }
pool = { choices = ["mean", "max", "select"] }
[optimizer]
lr = { low = 1e-3, high = 1e-1, log = true }
[training]
epochs = 3
batch_size = 64
"""
ABOUT = {
    "device": "cpu (x86_64, 2 cores)",
    "threads": 1,
    "data_hash": "0",
    "versions": {"a3b-tune": "0.1.0", "torch": "2.13.0"},
    "commit": "0123456789ab",
}

# What became of a trial: its accuracies, and how it ended ("complete" or "STATE: REASON").
Outcome = tuple[list[float], str]
MIXED: list[Outcome] = [
    ([0.5, 0.75, 0.70], "complete"),
    ([0.5, 0.5], "pruned: behind at epoch 2"),
    ([], "pruned: diverged: mean loss nan by step 16 of epoch 1"),
    ([0.6], "failed: error: RuntimeError: no luck"),
    ([0.75], "complete"),
    ([0.9], "pruned: behind at epoch 1"),
    ([0.6, 0.65], "running: "),
]


def file(*changes: str) -> StudyFile:
    return override(loads(FILE, "small.toml"), changes)


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder}/studies.db"


def begun(url: str, *changes: str) -> StoredStudy:
    asked = file(*changes)
    dataset = load("xor").sample(asked.data.rows, 0)
    return begin_or_go_on(open_storage(url, create=True), asked, dataset)


def trained(url: str, trials: int, *changes: str) -> StoredStudy:
    """A study whose trials were really trained."""
    torch.set_num_threads(1)
    stored = begun(url, *changes)
    prepared = Prepared(load("xor").sample(2000, 0), torch.device("cpu"))
    Run(stored, prepared, Limits(trials, None, lambda: None), lambda event: None)()
    return stored


def told(url: str, outcomes: list[Outcome], *changes: str) -> StoredStudy:
    """A study whose trials ended as they are told here."""
    stored = begun(url, *changes)
    for accuracies, ending in outcomes:
        trial = ask(stored, 10_000, ABOUT)
        assert trial is not None
        tell(trial, accuracies, ending)
    return stored


def tell(trial: RunningTrial, accuracies: list[float], ending: str) -> None:
    for number, accuracy in enumerate(accuracies, 1):
        trial.report(accuracy, epoch(number, accuracy))
        trial.spend("training", 2.0)
        trial.spend("evaluation", 0.5)
    state, _, reason = ending.partition(": ")
    if state == "complete":
        trial.complete(None)
    elif state == "pruned":
        trial.prune(reason)
    elif state == "failed":
        trial.fail(reason)
    if state == "waiting":
        put_back_all(trial.stored, [trial], reason)
    else:
        write_all([trial])


def epoch(number: int, accuracy: float) -> dict[str, float]:
    return {
        "epoch": number,
        "loss": 1.0 / number,
        "accuracy": accuracy,
        "gradient_norm": 0.5,
        "lr": 1e-3,
        "seconds": 2.0,
        "evaluation_seconds": 0.5,
    }
