import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3b_tune.errors import InputError
from a3b_tune.workers import slurm
from a3b_tune.workers.slurm import Array, Task
from tests.fake_slurm import FakeSlurm

ARRAY = Array("synth", ("/opt/a3b-tune", "worker", "synth"), 16, Path("/home/me/logs"))
words = st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable())


@pytest.fixture
def fake(tmp_path, monkeypatch) -> FakeSlurm:
    found = FakeSlurm(tmp_path / "slurm")
    monkeypatch.setenv("PATH", found.path)
    return found


@pytest.fixture
def in_job(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "15")
    monkeypatch.setenv("SLURMD_NODENAME", "n1")
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")


def array(**more) -> Array:
    return Array("synth", ("worker",), 4, Path("/logs"), **more)


def test_a_script_says_what_is_asked_and_becomes_the_worker():
    assert ARRAY.script() == (
        "#!/bin/bash\n"
        "#SBATCH --job-name=a3b-tune-synth\n"
        "#SBATCH --array=0-15\n"
        "#SBATCH --output=/home/me/logs/%A_%a.log\n"
        "#SBATCH --open-mode=append\n"
        "#SBATCH --requeue\n"
        "#SBATCH --signal=B:USR1@120\n"
        "# Where the study is kept is in the environment: A3B_TUNE_STORAGE.\n"
        "export PYTHONUNBUFFERED=1\n"
        "exec /opt/a3b-tune worker synth\n"
    )


def test_options_of_the_cluster_follow_those_of_the_worker():
    asked = array(at_once=2, options={"partition": "gpu", "exclusive": True, "mail-user": False})
    assert asked.flags()[1:2] == ["--array=0-3%2"]
    assert asked.flags()[-2:] == ["--partition=gpu", "--exclusive"]


@pytest.mark.parametrize(
    ("limit", "time", "notice"),
    [(4 * 3600, "04:00:00", 120), (60, "00:01:00", 15), (90_000.4, "25:00:00", 120)],
)
def test_a_short_time_limit_is_told_shortly_before(limit, time, notice):
    flags = array(limit=limit).flags()
    assert f"--time={time}" in flags
    assert f"--signal=B:USR1@{notice}" in flags


@settings(max_examples=30, deadline=None)
@given(st.lists(words, max_size=4), words)
def test_any_words_reach_the_worker_as_they_are(more, folder):
    """The shell reads the script; the options in it are comments, whatever they hold."""
    command = ["printf", "%s\\0", "-", *more]
    asked = Array("a\nb", command, 1, Path("/", folder), options={"comment": "$(touch no) `no`"})
    done = subprocess.run(["bash"], input=asked.script(), capture_output=True, text=True)
    assert done.stdout.split("\0")[:-1] == command[2:]


def test_a_name_or_a_path_cannot_add_a_line_of_its_own():
    asked = Array("x\n#SBATCH --uid=0", ("worker",), 1, Path("/50%/my logs#1"))
    lines = asked.script().splitlines()
    assert lines[1] == "#SBATCH --job-name=a3b-tune-x_SBATCH_--uid_0"
    assert '#SBATCH "--output=/50%%/my logs#1/%A_%a.log"' in lines
    assert len(lines) == len(ARRAY.script().splitlines())


@pytest.mark.parametrize("answer", ["12\n", "12;mini\n", "a word of the site\n12\n"])
def test_what_is_sent_is_held_back_and_has_a_number(fake, answer):
    fake.answer("sbatch", answer)
    assert slurm.send(ARRAY, {"A3B_TUNE_STORAGE": "sqlite:////x.db"}) == "12"
    (call,) = fake.calls()
    assert call == ["sbatch", "--parsable", "--hold", "--export=ALL", *ARRAY.flags()]
    assert fake.heard("sbatch") == ARRAY.script()
    assert fake.storage() == "sqlite:////x.db"


REFUSALS = [
    (
        "sbatch: error: invalid partition specified: nope\n"
        "sbatch: error: Batch job submission failed: Invalid partition name specified\n",
        "invalid partition specified: nope",
    ),
    (
        "sbatch: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\n"
        "sbatch: error: fetch_config: DNS SRV lookup failed\n"
        "sbatch: fatal: Could not establish a configuration source\n",
        "Could not establish a configuration source",
    ),
    (
        "sbatch: unrecognized option '--fooo=1'\nTry \"sbatch --help\" for more information\n",
        "unrecognized option '--fooo=1'",
    ),
    ("", "no reason given"),
]


@pytest.mark.parametrize(("stderr", "clause"), REFUSALS)
def test_the_clusters_own_refusal_is_told_in_one_line(fake, stderr, clause):
    fake.answer("sbatch", error=stderr, code=1)
    with pytest.raises(InputError) as error:
        slurm.send(ARRAY, {})
    assert str(error.value) == f"sbatch: {clause}"


def test_an_answer_without_a_number_is_no_job(fake):
    fake.answer("sbatch", "queued!\n")
    with pytest.raises(InputError, match="names no job, but 'queued!'"):
        slurm.send(ARRAY, {})


def test_a_machine_without_slurm_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for act in (
        lambda: slurm.send(ARRAY, {}),
        lambda: slurm.tasks(["1"]),
        lambda: slurm.cancel("1"),
    ):
        with pytest.raises(InputError, match=": not found; is this a machine of a Slurm cluster"):
            act()
    assert slurm.tasks([]) == {}


def test_tasks_are_told_by_squeue(fake):
    fake.answer(
        "squeue",
        "12|10|PENDING||0:00|Resources\n12|2|RUNNING|n1|1:05|None\n"
        "12|0|FAILED|n2|0:07|NonZeroExitCode\n14|0|COMPLETED|n1|2-00:00:01|None\n",
    )
    assert slurm.tasks(["12", "14", "12"]) == {
        "12": [
            Task(0, "failed", "n2", "0:07", "NonZeroExitCode"),
            Task(2, "running", "n1", "1:05"),
            Task(10, "pending", "", "0:00", "Resources"),
        ],
        "14": [Task(0, "completed", "n1", "2-00:00:01")],
    }
    assert [task.alive for task in slurm.tasks(["12"])["12"]] == [False, True, True]
    assert fake.calls("squeue")[0][-1] == "--jobs=12,14"
    assert fake.calls("sacct") == []


def test_of_a_job_that_is_long_over_the_accounting_is_asked(fake):
    fake.answer("squeue", error="slurm_load_jobs error: Invalid job id specified\n", code=1)
    assert slurm.tasks(["12"]) == {"12": []}
    fake.answer("sacct", "12_1|CANCELLED by 0|n1|00:01:00\n12_0|COMPLETED|n2|00:02:00\n12|x|n2|\n")
    assert slurm.tasks(["12"]) == {
        "12": [Task(0, "completed", "n2", "00:02:00"), Task(1, "cancelled", "n1", "00:01:00")]
    }


def test_a_cluster_without_accounting_needs_no_sacct(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", FakeSlurm(tmp_path / "slurm", without=("sacct",)).path)
    assert slurm.tasks(["12"]) == {"12": []}


def test_a_controller_that_does_not_answer_is_not_a_job_that_is_gone(fake):
    fake.answer(
        "squeue", error="slurm_load_jobs error: Unable to contact slurm controller\n", code=1
    )
    with pytest.raises(InputError, match=r"^squeue: .*Unable to contact slurm controller"):
        slurm.tasks(["12"])


def test_a_persons_defaults_for_slurms_commands_hide_and_ask_nothing(fake, monkeypatch):
    monkeypatch.setenv("SQUEUE_USERS", "somebody")
    monkeypatch.setenv("SCANCEL_INTERACTIVE", "1")
    monkeypatch.setenv("SBATCH_WAIT", "1")
    monkeypatch.setenv("SBATCH_ACCOUNT", "mine")
    slurm.tasks(["1"])
    slurm.cancel("1")
    slurm.send(ARRAY, {})
    for command in ("squeue", "scancel", "sbatch"):
        lines = fake.environment(command).splitlines()
        names = {line.partition("=")[0] for line in lines}
        assert not {"SQUEUE_USERS", "SCANCEL_INTERACTIVE", "SBATCH_WAIT"} & names
        assert "SBATCH_ACCOUNT" in names


def test_outside_of_a_job_there_is_nothing_to_requeue(fake, monkeypatch):
    for name in ("SLURM_JOB_ID", "SLURMD_NODENAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", "12")  # as in a shell that salloc opened
    assert not slurm.inside()
    assert slurm.worker_name() is None
    assert not slurm.requeue()
    assert fake.calls() == []


def test_a_task_of_an_array_requeues_itself(fake, in_job):
    assert slurm.inside()
    assert slurm.worker_name() == "n1:12_3"
    assert slurm.requeue()
    assert fake.calls() == [shlex.split("scontrol requeue 12_3")]


def test_a_job_that_is_no_array_requeues_itself(fake, in_job, monkeypatch):
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID")
    assert slurm.worker_name() == "n1:15"
    assert slurm.requeue()
    assert fake.calls() == [shlex.split("scontrol requeue 15")]


def test_a_refused_requeue_is_told(fake, in_job, monkeypatch, tmp_path):
    fake.answer("scontrol", error="Requested operation is presently disabled\n", code=1)
    assert not slurm.requeue()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not slurm.requeue()


def test_a_command_that_ends_with_the_job_it_requeued_has_requeued_it(fake, in_job):
    (fake.folder / "scontrol").write_text("#!/bin/sh\nkill -TERM $$\n")
    assert slurm.requeue()
