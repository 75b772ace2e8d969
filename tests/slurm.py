"""A real Slurm for the tests: a controller and virtual nodes on loopback, in a folder of its own,
gone at the end."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

# Seconds after which a test gives up; on an idle machine nothing takes a third of it.
PATIENCE = 120.0
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin"
COMMANDS = ("slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
# A job of the partition `now` takes the place of one of `idle`, which goes back to the queue.
CONFIGURATION = """
ClusterName=mini
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/none
CredType=cred/none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0,bf_interval=1,sched_interval=1
MpiDefault=none
ReturnToService=2
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{ports}] CPUs=1 State=UNKNOWN
PartitionName=idle Nodes=ALL Default=YES State=UP PriorityTier=1 GraceTime=0
PartitionName=now Nodes=ALL State=UP PriorityTier=10
"""


class Slurm:
    """A running cluster."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self.folder = folder
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self.configuration = folder / "slurm.conf"
        for name in ("state", "log"):
            (folder / name).mkdir()
        host, first = socket.gethostname().partition(".")[0], _free_ports(nodes + 1)
        text = CONFIGURATION.format(
            host=host, folder=folder, nodes=nodes, port=first, ports=f"{first + 1}-{first + nodes}"
        )
        self.configuration.write_text(text)
        self._waiting: dict[str, float] = {}
        self._started: list[subprocess.Popen[bytes]] = []
        self._start("slurmctld", "-D")
        for node in self.nodes:
            self.start_node(node)
        self.until(
            lambda: self("sinfo", "-h", "-N", "-p", "idle", "-o", "%T").split() == ["idle"] * nodes
        )

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": PATH, "SLURM_CONF": str(self.configuration)}

    def __call__(self, *words: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, timeout=PATIENCE
        )
        return done.stdout

    def start_node(self, name: str) -> None:
        (self.folder / f"spool.{name}").mkdir(exist_ok=True)
        self._start("slurmd", "-D", "-N", name)

    def kill_node(self, name: str) -> None:
        """The end of a machine: its daemons and all that they run die at once, before one can tell
        how another one ended. The controller is told, so that nobody waits until it finds out."""
        for process in [*self._daemons_of(name), *self._programs(name)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=killed")

    def until(self, condition: Callable[[], bool], story: Callable[[], str] = str) -> None:
        """Waits until something is so. `story` is what else a failed test shows."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.story() + story()
            time.sleep(0.1)

    def go_on(self, job: str) -> None:
        """Slurm lets a task that was requeued wait for two minutes; this ends the wait, but not
        within the second of its end: a node refuses what bears the time of a job it has ended."""
        shown = self("squeue", "-h", "-r", "-t", "PENDING", "-j", job, "-o", "%i|%r")
        for line in shown.splitlines():
            name, reason = line.split("|")
            since = self._waiting.setdefault(name, time.monotonic())
            if reason == "BeginTime" and time.monotonic() > since + 2.0:
                self("scontrol", "update", f"JobId={name}", "StartTime=now")
                del self._waiting[name]

    def story(self) -> str:
        """What a failed test shows of the cluster."""
        log = (self.folder / "log" / "slurmctld.log").read_text()[-4000:]
        return self("squeue", "-r", "-t", "all") + self("sinfo", "-N", "-l") + log

    def end(self) -> None:
        """Ends every process of the cluster."""
        controller, *_ = self._started
        controller.terminate()  # it waits for a child of its own, which nobody else would
        with suppress(subprocess.TimeoutExpired):
            controller.wait(timeout=5)
        for name in self.nodes:
            for process in [*self._daemons_of(name), *self._programs(name)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        for daemon in self._started:
            daemon.kill()
            daemon.wait()

    def _states(self) -> list[str]:
        return self("sinfo", "-h", "-N", "-p", "idle", "-o", "%T").split()

    def _start(self, *words: str) -> None:
        log = (self.folder / "log" / "start.log").open("ab")
        with log:
            daemon = subprocess.Popen(
                words,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        self._started.append(daemon)

    def _daemons_of(self, name: str) -> Iterator[psutil.Process]:
        """A node's daemon and those of its jobs, by the log that they write."""
        log = str(self.folder / "log" / f"slurmd.{name}.log")
        for process in psutil.process_iter(["name"]):
            with suppress(psutil.Error):
                if process.name().startswith(("slurmd", "slurmstepd")) and log in (
                    file.path for file in process.open_files()
                ):
                    yield process

    def _programs(self, name: str) -> Iterator[psutil.Process]:
        """What a node's jobs run, by their environment."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                found = process.environ()
                here = found.get("SLURM_CONF") == str(self.configuration)
                if here and found.get("SLURMD_NODENAME") == name:
                    yield process


@contextmanager
def cluster(nodes: int) -> Iterator[Slurm]:
    """A Slurm with some nodes. Skips the test where none can run here."""
    if missing := [name for name in COMMANDS if shutil.which(name, path=PATH) is None]:
        pytest.skip(f"no Slurm here: {missing[0]} is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root can start a Slurm without an installation")
    folder = Path(tempfile.mkdtemp(prefix="slurm"))
    slurm = None
    try:
        slurm = Slurm(folder, nodes)
        yield slurm
    finally:
        if slurm is not None:
            slurm.end()
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for first in range(26800, 32000, count):
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise AssertionError("no free ports for a Slurm")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
