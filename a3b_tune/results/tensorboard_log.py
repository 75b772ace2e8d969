"""A run's events as files that TensorBoard shows: a folder for each trial, below that of its study.

Curves of loss, gradient norm and rate by step, the scores of each evaluation, the samples as text,
and at a trial's end its settings beside its best value. The only file that needs tensorboard, an
extra: `pip install 'a3b-tune[tensorboard]'`. Knows no storage: it hears what the search tells. Of
several commands on one study only one should write into a folder.
"""

import os
import re
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a3b_tune.errors import InputError
from a3b_tune.results.points import Scale, run_name
from a3b_tune.study import StudyFile
from a3b_tune.tuning.events import EpochDone, Event, TrialEnded, TrialStarted

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

# Seconds after which what was measured is in the files at the latest.
FLUSH = 10


def check_tensorboard(folder: Path) -> None:
    """Refuses, before anything is made, what `TensorBoardLog` could not do.

    :raises InputError: tensorboard is not there, or nothing can be written into the folder.
    """
    if find_spec("tensorboard") is None:
        raise InputError("--tensorboard needs a package: pip install 'a3b-tune[tensorboard]'")
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"--tensorboard-dir {folder}: nothing can be written there")


class TensorBoardLog:
    """Hears the events of a run and writes them below `folder`.

    :param told: is given a line where no more can be written.
    """

    def __init__(self, folder: Path, file: StudyFile, told: Callable[[str], None]) -> None:
        self._folder = folder / re.sub(r"[^A-Za-z0-9._-]+", "-", file.study.name)
        self._scale = Scale.of(file)
        self._writers: dict[int, SummaryWriter] = {}
        self._settings: dict[int, dict[str, Any]] = {}
        self._told = told
        self._broken = False

    def __call__(self, event: Event) -> None:
        if not self._broken:
            self._guarded(lambda: self._hear(event))

    def close(self) -> None:
        """Writes what is left."""
        for number in list(self._writers):
            self._guarded(partial(self._close, number))

    def _guarded(self, write: Callable[[], None]) -> None:
        """A full disk costs the curves, not the trials."""
        try:
            write()
        except OSError as error:
            self._writers.clear()
            self._broken = True
            why = error.strerror or error
            self._told(f"TensorBoard: nothing more is written to {self._folder}: {why}")

    def _hear(self, event: Event) -> None:
        match event:
            case TrialStarted():
                self._begin(event)
            case EpochDone():
                self._epoch(event)
            case TrialEnded():
                self._end(event)

    def _begin(self, event: TrialStarted) -> None:
        self._close(event.number)
        self._settings[event.number] = event.settings
        # What an earlier run measured after the epoch that this one goes on from will be measured
        # again.
        self._open(event.number, purge=self._scale.step(len(event.curve)) + 1)

    def _open(self, number: int, purge: int) -> "SummaryWriter":
        from torch.utils.tensorboard import SummaryWriter

        folder = self._folder / run_name(number)
        again = purge if folder.is_dir() else None
        writer = SummaryWriter(str(folder), purge_step=again, flush_secs=FLUSH)
        self._writers[number] = writer
        return writer

    def _epoch(self, event: EpochDone) -> None:
        epoch = event.epoch
        writer = self._writers.get(event.number)
        if writer is None:
            writer = self._open(event.number, purge=self._scale.step(epoch.epoch - 1) + 1)
        for point in self._scale.points(epoch):
            for name, number in point.numbers.items():
                writer.add_scalar(name, number, point.step)
        if epoch.sample is not None:
            writer.add_text("sample", _code(epoch.sample), self._scale.step(epoch.epoch))

    def _end(self, event: TrialEnded) -> None:
        writer, settings = self._writers.get(event.number), self._settings.get(event.number)
        if writer is not None and settings and event.state in ("complete", "pruned"):
            best = {} if event.value is None else {f"best/{self._scale.metric}": event.value}
            _add_settings(writer, settings, best)
        self._close(event.number)

    def _close(self, number: int) -> None:
        self._settings.pop(number, None)
        writer = self._writers.pop(number, None)
        if writer is not None:
            writer.close()


def _add_settings(
    writer: "SummaryWriter", settings: dict[str, Any], best: dict[str, float]
) -> None:
    """As `SummaryWriter.add_hparams`, but into the trial's own folder."""
    from torch.utils.tensorboard.summary import hparams

    known = {key: value for key, value in settings.items() if value is not None}
    assert writer.file_writer is not None
    for summary in hparams(known, best):
        writer.file_writer.add_summary(summary)
    for name, value in best.items():
        writer.add_scalar(name, value)


def _code(text: str) -> str:
    """The text as Markdown shows it without reading it."""
    return "\n".join(f"    {line}" for line in text.splitlines())
