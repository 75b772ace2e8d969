"""What is stored beside Optuna's own columns: the names of the attributes, and who wrote them.

One attribute holds one record, so that a trial costs few writes. Knows no sampler and no model.
"""

import platform
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

FORMAT = 1

# Attributes of a study.
STUDY_FORMAT = "a3b:format"
STUDY_FILE = "a3b:file"
STUDY_DATA = "a3b:data"
STUDY_CEILING = "a3b:ceiling"
STUDY_VERSIONS = "a3b:versions"

# A study's attribute for each worker: where its time went.
WORK_PREFIX = "a3b:work:"

# Attributes of a trial.
WORKER = "a3b:worker"
RECORD = "a3b:record"
EPOCHS = "a3b:epochs"
BEST_EPOCH = "a3b:best_epoch"
REASON = "a3b:reason"
SECONDS = "a3b:seconds"
TRACEBACK = "a3b:traceback"

# A key of a trial's record: how many slots the stack has that it ran in.
STACK = "stack"


@dataclass(frozen=True)
class Worker:
    """A process that runs trials. Its start time tells it from a later process with its number."""

    host: str
    pid: int
    started: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@cache
def this_worker() -> Worker:
    process = psutil.Process()
    return Worker(socket.gethostname(), process.pid, process.create_time())


def is_dead(worker: dict[str, Any]) -> bool:
    """True where the worker ran on this machine and its process is gone. Of another machine's
    nothing can be said from here, so the answer is False."""
    if worker["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(worker["pid"])
        return process.status() == psutil.STATUS_ZOMBIE or (
            abs(process.create_time() - worker["started"]) > 1.0
        )
    except psutil.NoSuchProcess:
        return True


@cache
def versions() -> dict[str, str]:
    """The versions that decide a result."""
    return {
        "a3b-tune": version("a3b-tune"),
        "python": platform.python_version(),
        "torch": version("torch"),
        "optuna": version("optuna"),
        "platform": sys.platform,
    }


@cache
def commit() -> str | None:
    """The commit of a3b-tune's own source, with `+` where files differ from it; None where it was
    installed without its history."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(root, "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()
