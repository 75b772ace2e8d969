"""Workers on a real Slurm: whatever a cluster does to them, no trial is lost or run twice.

All tests share one cluster; a node is theirs alone where something happens to it.
"""

import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from a3b_tune.cli.app import run
from a3b_tune.results.listing import study_lines
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import override
from a3b_tune.tuning import records
from a3b_tune.tuning.studies import open_study
from a3b_tune.workers.jobs import sent_jobs
from tests.postgres import PASSWORD
from tests.slurm import Slurm, cluster

# More trials than anybody waits for, all in one stack: at any moment some of them run.
STUDY = """
[study]
name = "long"
trials = 1000000
sampler = "random"
pruner = "none"
heartbeat = 2
[data]
name = "xor"
rows = 640
[model]
name = "baseline"
pool = "select"
width = 4
[optimizer]
lr = { low = 1e-4, high = 1e-1, log = true }
[training]
epochs = { low = 1, high = 6 }
batch_size = 8
"""


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with cluster(nodes=4) as found:
        yield found


class Sent:
    """Workers of a study that were sent with `a3b-tune submit`."""

    def __init__(self, slurm: Slurm, url: str, folder: Path, *options: str) -> None:
        self.slurm, self.url, self.folder = slurm, url, folder
        (folder / "long.toml").write_text(STUDY)
        self.run("submit", str(folder / "long.toml"), "--log-dir", str(folder / "logs"), *options)
        self.job = sent_jobs(self.stored)[-1].job

    def run(self, *words: str) -> None:
        """A command, as on a machine of the cluster."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.slurm.environment.items():
                patch.setenv(name, value)
            patch.setenv("A3B_TUNE_STORAGE", self.url)
            assert run(words) == 0

    @property
    def stored(self):
        return open_study(open_storage(self.url, create=True), "long")

    def trials(self) -> list:
        return self.stored.study.get_trials(deepcopy=False)

    def states(self) -> Mapping[str, int]:
        """How many trials there are in each state, counted by the database."""
        (line,) = study_lines(open_storage(self.url))
        return Counter(line.counts)

    def tasks(self) -> list[str]:
        """The state of every task."""
        told = self.slurm("squeue", "-h", "-r", "-t", "all", "-j", self.job, "-o", "%T")
        return told.split()

    def logs(self) -> str:
        found = sorted((self.folder / "logs").glob(f"{self.job}_*.log"))
        return "\n".join(path.read_text() for path in found)

    def until(self, condition) -> None:
        self.slurm.until(condition, self.logs)

    def until_at_work(self) -> None:
        """Some trials have ended and others run."""
        self.until(lambda: self.states()["running"] and self.states()["complete"])

    def cut(self, more: int = 3) -> int:
        """The study shall have only a few trials more than it has: how many in all."""
        stored, count = self.stored, len(self.trials()) + more
        file = override(stored.file, [f"study.trials={count}"])
        stored.study.set_user_attr(records.STUDY_FILE, file.to_json())
        return count

    def interruptions(self) -> Counter:
        notes = [
            note for t in self.trials() for note in t.user_attrs.get(records.INTERRUPTIONS, [])
        ]
        return Counter(note["kind"] for note in notes)

    def check(self, budget: int) -> None:
        """Waits for the end: every trial ended, once, with all its epochs, and not one too many."""
        self.until(self._over)
        trials = self.trials()
        assert self.states() == {"complete": budget}
        assert [trial.number for trial in trials] == list(range(budget))
        for trial in trials:
            epochs = trial.params["training.epochs"]
            assert sorted(trial.intermediate_values) == list(range(1, epochs + 1))
        assert set(self.tasks()) == {"COMPLETED"}, self.logs()

    def _over(self) -> bool:
        self.slurm.go_on(self.job)
        return not {"PENDING", "RUNNING", "COMPLETING"} & set(self.tasks())


@pytest.fixture(scope="module")
def limited(slurm, tmp_path_factory) -> Sent:
    """Workers with a time limit, sent before all other tests: Slurm looks at limits twice a minute,
    and meanwhile there is something to do."""
    folder = tmp_path_factory.mktemp("limited")
    node = ("--set-slurm", "nodelist=n1")
    return Sent(slurm, f"sqlite:///{folder}/studies.db", folder, "--time", "1m", *node)


@pytest.fixture
def send(slurm, limited, tmp_path):
    def send(url: str, *options: str) -> Sent:
        return Sent(slurm, url, tmp_path, *options)

    return send


def test_an_array_runs_to_the_budget_and_tells_no_secret(send, new_database, slurm):
    asked = ("--workers", "2", "--array-limit", "2", "--trials", "12")
    sent = send(new_database, *asked, "--set-slurm", "exclude=n1", "--set-slurm", "comment=a b#c")
    told = slurm("scontrol", "show", "job", sent.job)
    assert "Comment=a b#c" in told
    assert "ArrayTaskThrottle=2" in told
    sent.check(12)
    assert len(sent.tasks()) == 2
    script = slurm("scontrol", "write", "batch_script", sent.job, "-")
    assert script.splitlines()[-1].startswith("exec /")
    for text in (told, script, sent.logs(), str(sent.stored.study.user_attrs)):
        assert PASSWORD not in text
    assert not [t for t in sent.trials() if PASSWORD in str(t.user_attrs)]


def test_a_worker_that_must_make_room_hands_back_its_trials(send, url, slurm):
    sent = send(url, "--set-slurm", "nodelist=n2")
    sent.until_at_work()
    words = ["sbatch", "--partition=now", "--nodelist=n2", "--output=/dev/null", "--wrap=true"]
    subprocess.run(words, env=slurm.environment, check=True, capture_output=True)
    # Nobody else is there who could have put them back.
    sent.until(lambda: sent.tasks() == ["PENDING"] and not sent.states()["running"])
    assert sent.states()["waiting"] > 0
    sent.check(sent.cut())
    assert sent.interruptions()["lost"] == 0


def test_the_trials_of_a_dead_node_run_again_elsewhere(send, new_database, slurm):
    sent = send(new_database, "--set-slurm", "exclude=n1,n2,n3")
    sent.until_at_work()
    slurm.kill_node("n4")
    sent.until(lambda: sent.tasks() == ["PENDING"])
    slurm("scontrol", "update", f"JobId={sent.job}", "ExcNodeList=n1")
    assert sent.states()["running"] > 0
    budget = sent.cut()
    sent.check(budget)
    assert sent.interruptions()["lost"] > 0


def test_a_time_limit_costs_no_trial(limited):
    limited.until(lambda: "SIGUSR1" in limited.logs() and limited.tasks() == ["PENDING"])
    assert limited.states()["running"] == 0
    assert limited.states()["waiting"] > 0
    limited.check(limited.cut())
    assert limited.interruptions()["lost"] == 0


def test_a_job_is_shown_and_cancelled(send, url, slurm, capsys):
    sent = send(url, "--workers", "2", "--set-slurm", "begin=now+1hour")
    sent.until(lambda: "BeginTime" in slurm("squeue", "-h", "-j", sent.job, "-o", "%r"))
    capsys.readouterr()
    sent.run("jobs", "long")
    row = capsys.readouterr().out.splitlines()[2]
    assert row.split() == ["0", "pending", "BeginTime", f"{sent.job}_0.log"]
    sent.run("jobs", "--cancel")
    assert capsys.readouterr().out == f"cancelled job {sent.job} of long: 2 of 2 workers\n"
    sent.until(lambda: set(sent.tasks()) == {"CANCELLED"})
    assert sent.trials() == []
