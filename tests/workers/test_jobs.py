from datetime import UTC, datetime
from pathlib import Path

import pytest

from a3b_tune.data.load import load
from a3b_tune.errors import InputError
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import loads
from a3b_tune.tuning.studies import begin_or_go_on, open_study
from a3b_tune.workers.jobs import PREFIX, Sent, send, sent_jobs, standing
from a3b_tune.workers.slurm import Array, Task
from tests.fake_slurm import FakeSlurm

GOOD = {
    "job": "12",
    "cluster": "slurm",
    "workers": 1,
    "sent": "2026-01-01T00:00:00+00:00",
    "log": "/logs/%A_%a.log",
}
STUDY = '[study]\nname = "small"\n[data]\nname = "xor"\n[model]\nname = "baseline"\n'


@pytest.fixture
def fake(tmp_path, monkeypatch) -> FakeSlurm:
    found = FakeSlurm(tmp_path / "slurm")
    monkeypatch.setenv("PATH", found.path)
    return found


@pytest.fixture
def begin(url):
    dataset = load("xor", rows=64)
    return lambda: begin_or_go_on(
        open_storage(url, create=True), loads(STUDY, "small.toml"), dataset
    )


@pytest.fixture
def array(tmp_path) -> Array:
    return Array("small", ("worker", "small"), 3, tmp_path / "new" / "logs")


def test_a_job_is_held_back_until_its_study_is_there(fake, begin, array, url):
    before = datetime.now(UTC)
    sent = send(array, url, begin)
    assert [call[:2] for call in fake.calls()] == [
        ["sbatch", "--parsable"],
        ["scontrol", "release"],
    ]
    assert fake.storage() == url
    assert array.log_dir.is_dir()
    stored = open_study(open_storage(url), "small")
    assert sent_jobs(stored) == [sent]
    assert (sent.job, sent.cluster, sent.workers) == ("12", "slurm", 3)
    assert abs((sent.when - before).total_seconds()) < 60
    assert sent.log_of(2) == array.log_dir / "12_2.log"


def test_what_the_cluster_refuses_leaves_nothing(fake, begin, array, url, tmp_path):
    fake.answer("sbatch", error="sbatch: error: invalid partition specified: x\n", code=1)
    with pytest.raises(InputError, match="invalid partition"):
        send(array, url, begin)
    assert fake.calls("scontrol", "scancel") == []
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "studies.db").exists()


def test_a_study_that_cannot_begin_leaves_no_job_and_no_folder(fake, array, url, tmp_path):
    def refused():
        raise InputError("study 'small' began with other settings")

    (tmp_path / "new").mkdir()
    with pytest.raises(InputError, match="began with other settings"):
        send(array, url, refused)
    assert fake.calls("scontrol", "scancel") == [["scancel", "12"]]
    assert list((tmp_path / "new").iterdir()) == []


def test_logs_of_another_job_stay_where_they_are(fake, array, url):
    array.log_dir.mkdir(parents=True)
    (array.log_dir / "11_0.log").touch()
    fake.answer("sbatch", code=1)
    with pytest.raises(InputError):
        send(array, url, lambda: None)
    assert (array.log_dir / "11_0.log").exists()


def test_a_job_that_cannot_be_let_go_is_cancelled(fake, begin, array, url):
    fake.answer("scontrol", error="scontrol: error: no\n", code=1)
    with pytest.raises(InputError, match=r"^scontrol release 12: no$"):
        send(array, url, begin)
    assert fake.calls("scancel") == [["scancel", "12"]]


def test_the_jobs_of_a_study_are_told_in_order_with_all_their_tasks(fake, begin, array, url):
    for number in ("7", "12"):
        fake.answer("sbatch", f"{number}\n")
        send(array, url, begin)
    fake.answer("squeue", "12|1|RUNNING|n1|0:01|None\n12|2|PENDING||0:00|Resources\n")
    seven, twelve = standing([open_study(open_storage(url), "small")])
    assert (seven.sent.job, twelve.sent.job) == ("7", "12")
    assert twelve.study == "small"
    assert [task.state for task in twelve.tasks] == ["gone", "running", "pending"]
    assert (twelve.alive, seven.alive) == (2, 0)
    assert seven.tasks == [Task(number, "gone") for number in range(3)]


@pytest.mark.parametrize(
    "value",
    [
        "text",
        {"job": "12"},
        GOOD | {"job": "--user=root"},
        GOOD | {"job": 12},
        GOOD | {"workers": "many"},
        GOOD | {"sent": "yesterday"},
        GOOD | {"log": 3},
        GOOD | {"more": 3},
    ],
)
def test_what_somebody_else_wrote_there_is_no_job(fake, begin, url, value):
    assert Sent(**GOOD).job == "12"
    stored = begin()
    stored.study.set_user_attr(PREFIX + "12", value)
    assert standing([stored]) == []
    assert fake.calls() == []


@pytest.mark.parametrize("folder", ["/logs", "/50%/logs", "/%%/%A %a/%"])
def test_a_log_is_where_slurm_writes_it(folder):
    log = Array("small", ("worker",), 1, Path(folder)).log()
    assert Sent("12", "slurm", 1, "", log).log_of(3) == Path(folder, "12_3.log")
