"""A cluster's Slurm: an array of workers is sent, looked at and cancelled by Slurm's own commands.

Slurm alone decides what runs where and when. Every worker is stateless: what it needs beyond its
study's name is in its environment, so that no secret stands in a script, in an argument or in what
`scontrol show job` tells. Knows no study, no trial and no storage.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from a3b_tune.errors import InputError
from a3b_tune.study.slurm import Options

# Seconds before its time limit at which a job is told. Slurm may tell up to 60 s earlier.
NOTICE = 120
# Seconds that a command of Slurm may take: a busy controller answers late.
PATIENCE = 60.0
# A person's defaults for Slurm's commands that would ask, wait, or hide jobs.
NOT_WANTED = ("SQUEUE_", "SCANCEL_", "SACCT_", "SBATCH_WAIT")
# The states, as Slurm writes them in lower case, of a task that is still to run or runs.
ALIVE = ("pending", "running", "suspended", "completing", "configuring", "requeued", "requeue_hold")
# A task of which Slurm knows nothing any more: it ended some time ago.
GONE = "gone"


@dataclass(frozen=True)
class Array:
    """What is asked of the cluster: so many tasks, each of which runs `command`.

    :ivar at_once: how many of them may run at a time; None: all.
    :ivar limit: the time limit of a task in seconds, where one was asked for.
    :ivar options: options of `sbatch` by their long names.
    """

    name: str
    command: Sequence[str]
    workers: int
    log_dir: Path
    at_once: int | None = None
    limit: float | None = None
    options: Options = field(default_factory=dict)

    @property
    def job_name(self) -> str:
        return "a3b-tune-" + re.sub(r"[^A-Za-z0-9_.-]+", "_", self.name)

    def log(self) -> str:
        """The tasks' log files as Slurm writes them: %A is the job, %a the task."""
        return f"{str(self.log_dir).replace('%', '%%')}/%A_%a.log"

    def flags(self) -> list[str]:
        """Every option as `sbatch` takes it."""
        together = "" if self.at_once is None else f"%{self.at_once}"
        options: Options = {
            "job-name": self.job_name,
            "array": f"0-{self.workers - 1}{together}",
            "output": self.log(),
            "open-mode": "append",
            "requeue": True,
            "signal": f"B:USR1@{self._notice()}",
        }
        if self.limit is not None:
            options["time"] = _clock(self.limit)
        options |= self.options
        return [
            f"--{key}" if value is True else f"--{key}={value}"
            for key, value in options.items()
            if value is not False
        ]

    def script(self) -> str:
        """The batch script. It becomes the worker (`exec`), or Slurm's signals would reach the
        shell, which keeps them to itself until the worker has ended."""
        lines = [f"#SBATCH {_quoted(flag)}" for flag in self.flags()]
        return "\n".join(
            [
                "#!/bin/bash",
                *lines,
                "# Where the study is kept is in the environment: A3B_TUNE_STORAGE.",
                "export PYTHONUNBUFFERED=1",
                f"exec {shlex.join(self.command)}",
                "",
            ]
        )

    def _notice(self) -> int:
        return NOTICE if self.limit is None else max(1, min(NOTICE, int(self.limit) // 4))


@dataclass(frozen=True)
class Task:
    """A task of a job array: its state as Slurm names it in lower case, or `gone`."""

    number: int
    state: str
    node: str = ""
    time: str = ""
    reason: str = ""

    @property
    def alive(self) -> bool:
        return self.state in ALIVE


def send(array: Array, environment: Mapping[str, str]) -> str:
    """Sends a job array, held back until it is released: its number.

    The options go on the command line too, because a person's `SBATCH_…` variables beat those in
    the script.

    :raises InputError: there is no `sbatch` here, or it refuses, in its own words.
    """
    words = ["sbatch", "--parsable", "--hold", "--export=ALL", *array.flags()]
    done = _run(words, text=array.script(), more=environment)
    if done.returncode:
        raise InputError(f"sbatch: {_refusal(done.stderr)}")
    number = done.stdout.strip().rpartition("\n")[2].partition(";")[0]
    if not number.isdecimal():
        raise InputError(f"sbatch: it names no job, but {number[:60]!r}")
    return number


def release(job: str) -> None:
    """Lets a job that was held back run. Raises InputError, in Slurm's words."""
    done = _run(["scontrol", "release", job])
    if done.returncode:
        raise InputError(f"scontrol release {job}: {_refusal(done.stderr)}")


def cancel(job: str) -> None:
    """Ends a job: its workers get SIGTERM and hand back their trials. Raises InputError."""
    done = _run(["scancel", job])
    if done.returncode:
        raise InputError(f"scancel {job}: {_refusal(done.stderr)}")


def tasks(jobs: Iterable[str]) -> dict[str, list[Task]]:
    """The tasks of jobs, as far as Slurm still knows them: a few minutes after their end without
    accounting, for ever with it.

    :raises InputError: there is no `squeue` here, or no controller answers it.
    """
    asked = list(dict.fromkeys(jobs))
    found = _from_squeue(asked) if asked else {}
    missing = [job for job in asked if job not in found]
    return {job: [] for job in asked} | (_from_sacct(missing) if missing else {}) | found


def _from_squeue(jobs: Sequence[str]) -> dict[str, list[Task]]:
    shape = "%F|%K|%T|%N|%M|%r"
    words = ["squeue", "--noheader", "--array", "--states=all", f"--format={shape}"]
    done = _run([*words, f"--jobs={','.join(jobs)}"])
    if done.returncode and "Invalid job id" not in done.stderr:
        raise InputError(f"squeue: {_refusal(done.stderr)}")
    return _read(line.strip().split("|", 5) for line in done.stdout.splitlines())


def _from_sacct(jobs: Sequence[str]) -> dict[str, list[Task]]:
    words = ["sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={','.join(jobs)}"]
    try:
        done = _run([*words, "--format=JobID,State,NodeList,Elapsed"])
    except InputError:
        return {}
    lines = (line.split("|") for line in done.stdout.splitlines())
    return _read(
        [*parts[0].split("_"), parts[1].split()[0], *parts[2:4], ""]
        for parts in lines
        if len(parts) == 4 and "_" in parts[0] and parts[1].strip()
    )


def _read(lines: Iterable[Sequence[str]]) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = {}
    for line in lines:
        if len(line) == 6 and line[1].isdecimal():
            job, number, state, node, time, reason = line
            reason = "" if reason == "None" else reason
            task = Task(int(number), state.lower(), node, time, reason)
            found.setdefault(job, []).append(task)
    return {job: sorted(found[job], key=lambda task: task.number) for job in found}


def inside() -> bool:
    """Whether this process runs in a job, on the node that Slurm gave it."""
    return bool(os.environ.get("SLURM_JOB_ID") and os.environ.get("SLURMD_NODENAME"))


def this_job() -> str | None:
    """The job this process runs in, as Slurm's commands name it: `12_3`, `12`; None outside."""
    if not inside():
        return None
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ["SLURM_JOB_ID"]


def worker_name() -> str | None:
    """The node and the job, `n1:12_3`: two nodes may have one host name. None outside of a job."""
    job = this_job()
    return None if job is None else f"{os.environ['SLURMD_NODENAME']}:{job}"


def requeue() -> bool:
    """Puts the job this process runs in back into the queue. Slurm then ends the process, so it
    must have handed back its trials before.

    :returns: whether Slurm will start it again; False outside of a job.
    """
    job = this_job()
    if job is None:
        return False
    try:
        done = _run(["scontrol", "requeue", job])
    except InputError:
        return False
    # The command may be ended with the job that it has just put back.
    return done.returncode <= 0


def _run(
    words: Sequence[str], text: str = "", more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(NOT_WANTED)}
    try:
        return subprocess.run(
            words,
            input=text,
            env={**environment, **(more or {})},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
        )
    except FileNotFoundError:
        raise InputError(f"{words[0]}: not found; is this a machine of a Slurm cluster?") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"{words[0]}: no answer in {PATIENCE:.0f} s") from None


def _refusal(stderr: str) -> str:
    """Slurm's own first line of error; that by which it gave up, where there is one."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    fatal = [line for line in lines if "fatal:" in line]
    line = (fatal or [line for line in lines if "error:" in line] or lines or ["no reason given"])[
        0
    ]
    return re.sub(r"^(\w+: )?((error|fatal): )?", "", line)


def _quoted(flag: str) -> str:
    """An option in a batch script; a blank or # in it would end it."""
    return f'"{flag}"' if re.search(r"[\s#]", flag) else flag


def _clock(seconds: float) -> str:
    """`04:00:00`, Slurm's hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
