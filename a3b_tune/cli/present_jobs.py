"""The jobs of a cluster on the screen and as JSON: a line for each worker that was sent.

Knows no cluster and no storage: it shows what was asked before.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.printing import print_trim, print_whole

if TYPE_CHECKING:
    from a3b_tune.workers.jobs import Standing

STYLES = {"running": "cyan", "completed": "green", "gone": "dim", "pending": ""}


def print_jobs(console: Console, found: Sequence["Standing"]) -> None:
    """Prints each job: what it was sent for, its tasks, and where their logs are."""
    if not found:
        print_whole(console, Text("no workers were sent to a cluster; see a3b-tune submit --help"))
    for number, job in enumerate(found):
        if number:
            console.print()
        _print_job(console, job)


def print_cancelled(
    console: Console, found: Sequence["Standing"], cancelled: Sequence[str]
) -> None:
    """Prints what was ended, a line a job."""
    for job in found:
        if job.sent.job in cancelled:
            tasks = f"{job.alive} of {figures.count(job.sent.workers, 'worker')}"
            print_whole(console, Text(f"cancelled job {job.sent.job} of {job.study}: {tasks}"))
    if not cancelled:
        print_whole(console, Text("nothing to cancel: no worker waits or runs"))


def to_json(job: "Standing") -> dict[str, Any]:
    """A job as `--json` tells it."""
    return {
        "study": job.study,
        "job": job.sent.job,
        "cluster": job.sent.cluster,
        "sent": job.sent.sent,
        "workers": job.sent.workers,
        "tasks": [
            {
                "task": task.number,
                "state": task.state,
                "node": task.node or None,
                "time": task.time or None,
                "reason": task.reason or None,
                "log": str(job.sent.log_of(task.number)),
            }
            for task in job.tasks
        ],
    }


def _print_job(console: Console, job: "Standing") -> None:
    counts = Counter(task.state for task in job.tasks)
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    head = Text.assemble((job.study, "bold"), f"  job {job.sent.job} on {job.sent.cluster}, sent ")
    print_whole(console, head.append(f"{figures.age(job.sent.when)}: {states}"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("task", "state", "node", "time", "log"):
        table.add_column(Text(name), no_wrap=True, justify="right" if name == "time" else "left")
    for task in job.tasks:
        state = Text(task.state.replace("_", " "), STYLES.get(task.state, "yellow"))
        # Where it runs, or why it does not yet.
        node = Text(task.node) if task.state != "pending" else Text(task.reason, "dim")
        time = "" if task.state == "pending" else task.time
        log = job.sent.log_of(task.number).name
        table.add_row(str(task.number), state, node, time, Text(log))
    print_trim(console, table)
    print_whole(console, Text.assemble(("logs in ", "dim"), str(job.sent.log_of("*").parent)))
