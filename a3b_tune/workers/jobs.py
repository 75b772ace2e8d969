"""Workers that were sent to a cluster, and the memory of it in their study: any machine can ask
what became of them.

What is remembered holds job numbers and paths, no secret. Knows no command of a cluster.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from a3b_tune.errors import InputError
from a3b_tune.tuning.studies import StoredStudy
from a3b_tune.workers import slurm

# A study's attribute for each job.
PREFIX = "a3b:jobs:"


@dataclass(frozen=True)
class Sent:
    """A job array of workers. `log` is the path of a task's log file, with Slurm's %A and %a."""

    job: str
    cluster: str
    workers: int
    sent: str
    log: str

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.sent)

    def log_of(self, task: int | str) -> Path:
        """The log file of one task."""
        parts = {"%%": "%", "%A": self.job, "%a": str(task)}
        text, rest = "", self.log
        while rest:
            size = 2 if rest[:2] in parts else 1
            text, rest = text + parts.get(rest[:size], rest[:size]), rest[size:]
        return Path(text)


def send(array: slurm.Array, url: str, begin: Callable[[], StoredStudy]) -> Sent:
    """Sends workers, begins their study and lets them run, in this order: what the cluster refuses
    leaves no study behind, and a study that cannot begin leaves no job.

    :param url: where the study is kept. It goes along in the environment, for it may hold a secret.
    :raises InputError: the cluster's refusal, or what `begin` raises.
    """
    with _new_folder(array.log_dir):
        job = slurm.send(array, {"A3B_TUNE_STORAGE": url})
        try:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            sent = Sent(job, "slurm", array.workers, now, array.log())
            begin().study.set_user_attr(PREFIX + job, asdict(sent))
            slurm.release(job)
        except BaseException:
            with suppress(InputError):
                slurm.cancel(job)
            raise
    return sent


@dataclass(frozen=True)
class Standing:
    """How a job of a study stands; a task that the cluster has forgotten is `gone`."""

    study: str
    sent: Sent
    tasks: list[slurm.Task]

    @property
    def alive(self) -> int:
        """How many of its tasks wait or run."""
        return sum(task.alive for task in self.tasks)


def standing(studies: Iterable[StoredStudy]) -> list[Standing]:
    """The jobs of some studies as they stand now, by study and age.

    :raises InputError: the cluster does not answer here.
    """
    sent = [(stored.study.study_name, job) for stored in studies for job in sent_jobs(stored)]
    known = slurm.tasks(job.job for _, job in sent)
    return [Standing(study, job, _all_tasks(job, known[job.job])) for study, job in sent]


def _all_tasks(job: Sent, known: Iterable[slurm.Task]) -> list[slurm.Task]:
    by_number = {task.number: task for task in known}
    gone = (slurm.Task(number, slurm.GONE) for number in range(job.workers))
    return [by_number.get(task.number, task) for task in gone]


def sent_jobs(stored: StoredStudy) -> list[Sent]:
    """The jobs of a study, the oldest first."""
    attrs: Mapping[str, Any] = stored.study.user_attrs
    found = [_read(value) for key, value in attrs.items() if key.startswith(PREFIX)]
    jobs = [sent for sent in found if sent is not None]
    return sorted(jobs, key=lambda sent: (sent.when, int(sent.job)))


def _read(value: Any) -> Sent | None:  # noqa: ANN401
    """What `send` wrote, or None: a job's number goes on to a command line, so it must be one."""
    try:
        sent = Sent(**value)
        good = sent.job.isdecimal() and sent.job.isascii() and sent.when.tzinfo
    except (TypeError, ValueError, AttributeError):
        return None
    texts = isinstance(sent.log, str) and isinstance(sent.cluster, str)
    return sent if good and texts and isinstance(sent.workers, int) else None


@contextmanager
def _new_folder(folder: Path) -> Iterator[None]:
    """Makes a folder; takes away what was made for it if that for which it is made fails."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise
