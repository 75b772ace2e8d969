import json
import sys
from pathlib import Path

import pytest

from a3b_tune.cli.app import run
from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning.studies import open_study
from a3b_tune.workers.jobs import sent_jobs
from tests.commands import one_line, refused
from tests.fake_slurm import FakeSlurm
from tests.postgres import PASSWORD

STUDY = """
[study]
trials = 7
[data]
name = "xor"
[model]
name = "baseline"
[slurm]
partition = "cpu"
gpus = 2
time = "1:00:00"
cpus_per_task = 2
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


@pytest.fixture(autouse=True)
def fake(tmp_path, monkeypatch) -> FakeSlurm:
    found = FakeSlurm(tmp_path / "slurm")
    monkeypatch.setenv("PATH", found.path)
    return found


@pytest.fixture
def mine(here) -> str:
    (here / "mine.toml").write_text(STUDY)
    return "mine.toml"


def sent(capsys, *arguments: str) -> str:
    """Sends workers: what is told on stdout. On stderr is one warning about SQLite."""
    code = run(["submit", *arguments])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "every node must see this file" in one_line(err)
    return out


def dry(capsys, *arguments: str) -> list[str]:
    """The lines of the script that would be sent."""
    assert run(["submit", *arguments, "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def options(lines: list[str]) -> list[str]:
    return [line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")]


def answered(capsys, *arguments: str) -> str:
    code = run(arguments)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out


def test_workers_are_sent_and_their_study_is_begun(capsys, fake, here):
    out = sent(
        capsys, "xor", "--workers", "16", "--array-limit", "8", "--time", "4h", "--trials", "5"
    )
    assert out == (
        "job 12: 16 workers for xor in sqlite:///a3b-tune.db\n"
        f"logs   {here}/a3b-tune-logs/12_*.log\n"
        "watch  a3b-tune jobs xor\n"
    )
    call = fake.calls("sbatch")[0]
    assert {"--array=0-15%8", "--time=04:00:00", "--hold"} <= set(call)
    assert fake.storage() == f"sqlite:///{here}/a3b-tune.db"
    last = fake.heard("sbatch").splitlines()[-1]
    command = Path(sys.executable).with_name("a3b-tune")
    assert last == f"exec {command} worker --workers 1 xor"
    stored = open_study(open_storage(), "xor")
    assert stored.file.study.trials == 5
    assert [job.job for job in sent_jobs(stored)] == ["12"]
    assert (here / "a3b-tune-logs").is_dir()


def test_a_script_learns_what_was_sent(capsys, here):
    told = json.loads(sent(capsys, "xor", "--json", "--storage", "sqlite:///x.db", "--name", "two"))
    assert told == {
        "job": "12", "cluster": "slurm", "study": "two", "storage": "sqlite:///x.db", "workers": 1,
        "log": f"{here}/a3b-tune-logs/12_*.log",
    }  # fmt: skip


def test_the_next_command_names_the_storage_that_was_named(capsys):
    out = sent(capsys, "xor", "--storage", "sqlite:///x.db", "--name", "no 2")
    assert out.splitlines()[-1] == "watch  a3b-tune jobs 'no 2' --storage sqlite:///x.db"


def test_a_dry_run_prints_the_script_and_makes_nothing(capsys, fake, here, mine):
    lines = dry(capsys, mine, "--workers", "3")
    assert lines[0] == "#!/bin/bash"
    assert options(lines) == [
        "job-name=a3b-tune-mine", "array=0-2", f"output={here}/a3b-tune-logs/%A_%a.log",
        "open-mode=append", "requeue", "signal=B:USR1@120", "partition=cpu", "gpus=2",
        "time=1:00:00", "cpus-per-task=2",
    ]  # fmt: skip
    assert lines[-1].endswith("a3b-tune worker --workers auto mine")
    assert [path.name for path in here.iterdir()] == [mine]
    assert fake.calls() == []
    assert json.loads("".join(dry(capsys, mine, "--json")))["script"].startswith("#!/bin/bash\n")


def test_what_is_typed_goes_before_the_file(capsys, mine):
    typed = ["--gpus-per-worker", "1", "--cpus-per-worker", "4", "--mem", "8G", "--time", "30m"]
    more = ["--set-slurm", "partition=gpu", "--set-slurm", "exclusive=true"]
    told = options(dry(capsys, mine, *typed, *more))
    assert set(told[6:]) == {
        "time=00:30:00", "gres=gpu:1", "cpus-per-task=4", "mem=8G", "partition=gpu", "exclusive",
    }  # fmt: skip
    dropped = options(dry(capsys, mine, "--set-slurm", "gpus=false", "--set", "slurm.partition=x"))
    assert dropped[6:] == ["partition=x", "time=1:00:00", "cpus-per-task=2"]


def test_a_study_of_the_storage_is_sent_as_it_is_stored(capsys, fake, mine):
    sent(capsys, mine, "--set", "slurm.partition=big")
    Path(mine).unlink()
    fake.answer("sbatch", "13\n")
    out = sent(capsys, "mine", "--workers", "2")
    assert out.startswith("job 13: 2 workers for mine in ")
    assert "--partition=big" in fake.calls("sbatch")[1]
    stored = open_study(open_storage(), "mine")
    assert stored.file.study.trials == 7
    assert [job.job for job in sent_jobs(stored)] == ["12", "13"]


def test_the_command_goes_on_with_a_study_as_a_search_would(capsys):
    sent(capsys, "xor", "--trials", "5")
    sent(capsys, "xor", "--trials", "9")
    assert open_study(open_storage(), "xor").file.study.trials == 9
    assert "began with other settings" in refused(capsys, "submit", "xor", "--set", "model.heads=1")


@pytest.mark.parametrize(
    ("typed", "processes"),
    [
        ("", "1"),
        ("--cpus-per-worker 4", "4"),
        ("--set-slurm cpus-per-task=2", "2"),
        ("--gpus-per-worker 2", "auto"),
        ("--set-slurm gpus=1 --cpus-per-worker 4", "auto"),
        ("--set-slurm exclusive=true", "auto"),
        ("--set-slurm exclusive=false --set-slurm gpus=false", "1"),
    ],
)
def test_a_worker_is_as_many_processes_as_it_was_given_cores(capsys, typed, processes):
    assert f" worker --workers {processes} xor" in dry(capsys, "xor", *typed.split())[-1]


def test_data_and_logs_are_named_so_that_every_node_finds_them(capsys, here):
    script = dry(capsys, "xor", "--data-dir", "my data", "--log-dir", "../logs")
    assert script[-1].endswith(f"worker --workers 1 --data-dir '{here}/my data' xor")
    assert f"output={here}/../logs/%A_%a.log" in options(script)


def test_what_the_cluster_refuses_leaves_nothing(capsys, fake, here):
    fake.answer("sbatch", error="sbatch: error: invalid partition specified: nope\n", code=1)
    line = refused(capsys, "submit", "xor", "--set-slurm", "partition=nope")
    assert line == "a3b-tune: sbatch: invalid partition specified: nope"
    assert list(here.iterdir()) == []


def test_without_slurm_nothing_is_sent(capsys, here, monkeypatch):
    monkeypatch.setenv("PATH", str(here))
    line = refused(capsys, "submit", "xor")
    assert line == "a3b-tune: sbatch: not found; is this a machine of a Slurm cluster?"
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "clause"),
    [
        ("xr", "unknown study 'xr'; did you mean 'xor'?"),
        ("none.toml", "none.toml: no such file"),
        ("xor --cluster slrum", "--cluster: unknown cluster 'slrum'; did you mean 'slurm'?"),
        ("xor --workers 0", "--workers 0: must be at least 1"),
        ("xor --workers many", "--workers many: must be a whole number"),
        ("xor --array-limit 0", "--array-limit 0: must be at least 1"),
        ("xor --gpus-per-worker 0", "--gpus-per-worker 0: must be at least 1"),
        ("xor --cpus-per-worker x", "--cpus-per-worker x: must be a whole number"),
        ("xor --mem lots", "--mem lots: write a size like 8G or 500M"),
        ("xor --time 240", "--time 240: say the unit: 240m or 240s"),
        ("xor --time 4:00", "--time 4:00: must be seconds, or a time like 45s, 30m, 1h30m"),
        ("xor --time 0s", "--time 0s: must be above 0"),
        ("xor --set-slurm array=0-9", "a3b-tune sets array itself; see --workers"),
        ("xor --set-slurm partition", "--set-slurm: 'partition' sets nothing"),
        ("xor --set-slurm time=1 --time 4h", "--set-slurm time: --time says it too"),
        ("xor --mem 8G --set-slurm mem=4G", "--set-slurm mem: --mem says it too"),
        ("xor --set slurm.signal=x", "--set: slurm: a3b-tune sets signal itself"),
        ("xor --storage sqlite:///no/where.db", "the folder no does not exist"),
        ("xor --storage mysql://a/b", "unknown storage scheme 'mysql'"),
    ],
)
def test_a_mistake_is_one_line_and_makes_nothing(capsys, fake, here, typed, clause):
    assert clause in refused(capsys, "submit", *typed.split())
    assert list(here.iterdir()) == []
    assert fake.calls() == []


def test_a_password_is_in_the_workers_environment_and_nowhere_else(
    capsys, fake, here, new_database, tmp_path
):
    pytest.importorskip("psycopg", reason="the driver of Postgres is an extra")
    assert PASSWORD in new_database
    for more in (["--dry-run"], ["--json"], ["--workers", "2"]):
        assert run(["submit", "xor", "--storage", new_database, *more]) == 0
        out, err = capsys.readouterr()
        assert PASSWORD not in out + err
    assert "on another node this address is that node itself" in one_line(err)
    assert fake.storage() == new_database
    assert PASSWORD not in fake.heard("sbatch")
    assert PASSWORD not in str(fake.calls())
    stored = open_study(open_storage(new_database), "xor")
    assert PASSWORD not in json.dumps(stored.study.user_attrs)
    assert not [path for path in here.rglob("*") if path.is_file()]


def test_the_jobs_of_a_study_are_shown_with_their_logs(capsys, fake, here):
    sent(capsys, "xor", "--workers", "3")
    fake.answer("squeue", "12|0|RUNNING|n1|1:05|None\n12|2|PENDING||0:00|Resources\n")
    lines = answered(capsys, "jobs", "xor").splitlines()
    assert lines == [
        "xor  job 12 on slurm, sent just now: 1 running, 1 gone, 1 pending",
        "task  state    node       time  log",
        "0     running  n1         1:05  12_0.log",
        "1     gone                      12_1.log",
        "2     pending  Resources        12_2.log",
        f"logs in {here}/a3b-tune-logs",
    ]
    assert answered(capsys, "jobs").splitlines() == lines


def test_a_script_reads_the_state_of_every_task(capsys, fake, here):
    sent(capsys, "xor", "--workers", "2")
    fake.answer("squeue", "12|1|NODE_FAIL|n1|1:05|None\n")
    told = json.loads(answered(capsys, "jobs", "--json"))
    assert told["cancelled"] == []
    (job,) = told["jobs"]
    assert {key: job[key] for key in ("study", "job", "cluster", "workers")} == {
        "study": "xor", "job": "12", "cluster": "slurm", "workers": 2,
    }  # fmt: skip
    log = f"{here}/a3b-tune-logs/12_"
    nothing = {"node": None, "time": None, "reason": None}
    assert job["tasks"] == [
        {"task": 0, "state": "gone", **nothing, "log": f"{log}0.log"},
        {"task": 1, "state": "node_fail", "node": "n1", "time": "1:05", "reason": None,
         "log": f"{log}1.log"},
    ]  # fmt: skip


def test_cancelling_ends_what_waits_or_runs_and_says_so(capsys, fake):
    for number in ("12", "13"):
        fake.answer("sbatch", f"{number}\n")
        sent(capsys, "xor", "--workers", "2")
    fake.answer("squeue", "12|0|COMPLETED|n1|1:05|None\n13|0|RUNNING|n1|1:05|None\n")
    assert answered(capsys, "jobs", "--cancel") == "cancelled job 13 of xor: 1 of 2 workers\n"
    assert fake.calls("scancel") == [["scancel", "13"]]
    fake.answer("squeue", "13|0|CANCELLED|n1|1:05|None\n")
    out = answered(capsys, "jobs", "xor", "--cancel")
    assert out == "nothing to cancel: no worker waits or runs\n"
    assert len(fake.calls("scancel")) == 1


def test_of_several_studies_the_one_to_cancel_is_named(capsys, fake):
    for name in ("one", "two"):
        sent(capsys, "xor", "--name", name)
    fake.answer("squeue", "12|0|RUNNING|n1|1:05|None\n")
    assert "which study?" in refused(capsys, "jobs", "--cancel")
    assert fake.calls("scancel") == []
    assert answered(capsys, "jobs").count("job 12 on slurm") == 2


def test_a_study_without_jobs_asks_no_cluster(capsys, fake, monkeypatch):
    sent(capsys, "xor")
    stored = open_study(open_storage(create=True), "xor")
    stored.storage.create_whole_study("other", stored.study.direction, {})
    monkeypatch.setenv("PATH", "")
    line = refused(capsys, "jobs", "xor")
    assert line == "a3b-tune: squeue: not found; is this a machine of a Slurm cluster?"
    assert "unknown study 'xo'" in refused(capsys, "jobs", "xo")
    assert run(["run", "xor", "--trials", "1", "--name", "plain", "--workers", "1",
                "--set", "training.epochs=1", "--set", "data.rows=64"]) == 0  # fmt: skip
    capsys.readouterr()
    out = answered(capsys, "jobs", "plain")
    assert out == "no workers were sent to a cluster; see a3b-tune submit --help\n"
