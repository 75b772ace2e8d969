"""What is stored beside Optuna's own columns: the names of the attributes, and who wrote them.

One attribute holds one record, so that a trial costs few writes. Knows no sampler and no model.
"""

import hashlib
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import psutil
from optuna.trial import TrialState

FORMAT = 1

# How a trial can end, in the words of events and tables.
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}

# Attributes of a study.
STUDY_FORMAT = "a3b:format"
STUDY_FILE = "a3b:file"
STUDY_DATA = "a3b:data"
STUDY_CEILING = "a3b:ceiling"
STUDY_FLOOR = "a3b:floor"
STUDY_VERSIONS = "a3b:versions"

# A study's attribute for each worker: where its time went.
WORK_PREFIX = "a3b:work:"
# A study's attributes after its search, one for each note: what was trained again on fresh seeds,
# and when the test split was used.
STUDY_CONFIRMED = "a3b:confirmed:"
STUDY_TESTED = "a3b:tested:"

# Attributes of a trial.
WORKER = "a3b:worker"
RECORD = "a3b:record"
EPOCHS = "a3b:epochs"
BEST_EPOCH = "a3b:best_epoch"
REASON = "a3b:reason"
SECONDS = "a3b:seconds"
TRACEBACK = "a3b:traceback"
INTERRUPTIONS = "a3b:interrupted"

# A key of a trial's record: how many slots the stack has that it ran in.
STACK = "stack"
# A key of a trial's record: after which epoch it went on from a checkpoint, the last time it did.
RESUMED = "resumed"


# Calls by which this process has taken trials.
_CALLS = count(1)


@dataclass(frozen=True)
class Worker:
    """A process that runs trials. Its start time tells it from a later process with its number;
    `machine` tells where that number means something, which two containers of one host name do
    not share."""

    host: str
    pid: int
    started: float
    machine: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def claim(self, interval: float = 0.0) -> str:
        """A claim that nobody has made before, by a worker that beats at such intervals; `claimer`
        and `interval_of` read it."""
        words = (self.host, self.pid, self.started, self.machine, interval, next(_CALLS))
        return "|".join(map(str, words))


def claimer(claim: str) -> Worker | None:
    """Who made a claim; None where it is not one of a worker's."""
    parts = claim.split("|")
    if len(parts) != 6 or not parts[1].isdecimal():
        return None
    return Worker(parts[0], int(parts[1]), float(parts[2]), parts[3])


def interval_of(claim: str) -> float:
    """The seconds between two beats of whoever made a claim; 0 where it does not say."""
    return float(claim.split("|")[4]) if claimer(claim) else 0.0


@cache
def this_worker() -> Worker:
    process = psutil.Process()
    return Worker(socket.gethostname(), process.pid, process.create_time(), machine())


@cache
def machine() -> str:
    """A name for the space in which process numbers are unique: a machine since it was started, or
    a container."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]


def is_dead(worker: Worker | Mapping[str, Any]) -> bool:
    """True where the worker ran on this machine and its process is gone. Of another machine's
    nothing can be said from here, so the answer is False."""
    known = worker if isinstance(worker, Worker) else Worker(**worker)
    if known.machine != machine():
        return False
    try:
        process = psutil.Process(known.pid)
        return process.status() == psutil.STATUS_ZOMBIE or (
            abs(process.create_time() - known.started) > 1.0
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
