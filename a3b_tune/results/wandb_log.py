"""A run's events as runs of Weights & Biases: one for each trial, in a group named as the study.

A thread of its own sends them: the search never waits for a server, and what cannot be sent costs
no trial. A trial's settings and measurements are sent and nothing else: neither the command line
nor the environment, where secrets may stand. A trial that goes on after a break is a second run of
its name. The only file that needs wandb, an extra: `pip install 'a3b-tune[wandb]'`.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from a3b_tune.errors import InputError
from a3b_tune.results.points import Scale, run_name
from a3b_tune.study import StudyFile
from a3b_tune.tuning.events import EpochDone, Event, TrialEnded, TrialStarted

if TYPE_CHECKING:
    import wandb

# Seconds that the end of a search waits for what is not sent yet.
PATIENCE = 60.0
# Seconds after which a server that does not answer is given up.
ANSWER = 30.0


def check_wandb(project: str) -> None:
    """Refuses, before anything is made, what `WandBLog` could not do.

    :raises InputError: wandb is not there, knows no key to log in with, or the project has no name.
    """
    if find_spec("wandb") is None:
        raise InputError("--wandb needs a package: pip install 'a3b-tune[wandb]'")
    if not project.strip() or set(project) & set("/\\#?%:"):
        raise InputError(f"--wandb {project!r}: a project's name is words without / \\ # ? % :")
    # Of its own accord it would report errors, with what stands around them, to its makers.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    asked = wandb.setup().settings
    if asked._offline or asked._noop:
        return
    if not (wandb.api.api_key or asked.identity_token_file):
        raise InputError(
            "--wandb: nobody is logged in here; type `wandb login`, or set WANDB_MODE=offline"
        )


class WandBLog:
    """Hears the events of a run and hands them to its thread.

    :param told: is given a line about what could not be sent.
    """

    def __init__(self, project: str, file: StudyFile, told: Callable[[str], None]) -> None:
        self._project = project
        self._file = file
        self._scale = Scale.of(file)
        self._told = told
        self._runs: dict[int, wandb.Run] = {}
        self._heard: SimpleQueue[Event | None] = SimpleQueue()
        self._thread = Thread(target=self._send_on, daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted | EpochDone | TrialEnded):
            self._heard.put(event)

    def close(self) -> None:
        """Waits a moment for what is not sent yet."""
        self._heard.put(None)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self._told("Weights & Biases: not all was sent; `wandb sync` sends the rest")

    def _send_on(self) -> None:
        import wandb

        fault: Exception | None = None
        while (event := self._heard.get()) is not None:
            if fault is None:
                try:
                    self._send(event)
                except (wandb.Error, OSError, ValueError) as error:
                    fault = error
                    line = " ".join(str(error).split())[:200]
                    self._told(f"Weights & Biases: nothing more is sent: {line}")
        for run in self._runs.values():
            # Trials that run no more here have not failed.
            run.finish(exit_code=0)

    def _send(self, event: Event) -> None:
        match event:
            case TrialStarted():
                self._begin(event)
            case EpochDone() if event.number in self._runs:
                self._epoch(self._runs[event.number], event)
            case TrialEnded() if event.number in self._runs:
                self._end(self._runs.pop(event.number), event)

    def _begin(self, event: TrialStarted) -> None:
        import wandb

        before = self._runs.pop(event.number, None)
        if before is not None:
            before.finish()
        self._runs[event.number] = wandb.init(
            project=self._project,
            group=self._file.study.name,
            name=run_name(event.number),
            config=dict(event.settings),
            reinit="create_new",
            settings=wandb.Settings(**QUIET),
        )

    def _epoch(self, run: "wandb.Run", event: EpochDone) -> None:
        epoch = event.epoch
        points = list(self._scale.points(epoch))
        for point in points[:-1]:
            run.log(point.numbers, step=point.step)
        last: dict[str, Any] = dict(points[-1].numbers)
        if epoch.sample is not None:
            import wandb

            last["sample"] = wandb.Html(f"<pre>{_escaped(epoch.sample)}</pre>", inject=False)
        run.log(last, step=points[-1].step)

    def _end(self, run: "wandb.Run", event: TrialEnded) -> None:
        run.summary["state"] = event.state
        if event.reason:
            run.summary["reason"] = event.reason
        if event.value is not None:
            run.summary[f"best_{self._scale.metric}"] = event.value
        run.finish(exit_code=1 if event.state == "failed" else 0)


# What wandb would else collect (the command line, packages, the repository, what is printed) may
# hold secrets, and what it prints would stand in the midst of the display.
QUIET: dict[str, Any] = {
    "console": "off",
    "silent": True,
    "disable_code": True,
    "disable_git": True,
    "disable_job_creation": True,
    "save_code": False,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "init_timeout": ANSWER,
    "finish_timeout": ANSWER,
    "program": "a3b-tune",
    "host": "",
}


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)
