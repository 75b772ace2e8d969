"""From a stored study to its confirmation on the screen: settings, processes, verdict.

Imported only when a confirmation starts: it brings torch and Optuna with it.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from a3b_tune.cli.confirm_display import ConfirmDisplay
from a3b_tune.cli.interrupt import EXIT_CODES, Interrupt
from a3b_tune.cli.present_confirm import print_confirmation, sentence_against
from a3b_tune.cli.score import Score, score_of
from a3b_tune.cli.studies import only_study, reading
from a3b_tune.data.fetch import SOURCES, fetch, progress_bar
from a3b_tune.errors import InputError
from a3b_tune.finals.confirming import Confirmation, Entry, Wish, check_alike
from a3b_tune.finals.contest import Contestant
from a3b_tune.finals.processes import Crew, Errand, OneProcess, Processes
from a3b_tune.finals.retraining import Retraining
from a3b_tune.finals.verdict import Verdict
from a3b_tune.results.trials import TrialRow, json_object, ranked, rows
from a3b_tune.starting import available_cores
from a3b_tune.storage.opening import shown_url
from a3b_tune.storage.patience import Patience
from a3b_tune.storage.verbs import Storage
from a3b_tune.training import Stopped
from a3b_tune.training.device import check_precision, choose_device, prepare_process
from a3b_tune.tuning import records
from a3b_tune.tuning.measured import rounds_of
from a3b_tune.tuning.stacking import MAX_TIME
from a3b_tune.tuning.studies import StoredStudy, open_study
from a3b_tune.workers.team import worker_count

# Fewer complete trials have no best one.
LEAST = 2
# Seconds for which a storage that is gone is waited for: hours of training may be in what waits.
PATIENCE = 600.0


@dataclass(frozen=True)
class Asked:
    """What a person asked for, checked but for names."""

    study: str | None
    against: str | None
    top: int
    seeds: int
    racing: bool
    again: bool
    plot: Path | None
    workers: str
    storage: str | None
    device: str
    precision: str
    data_dir: Path | None
    as_json: bool


@dataclass(frozen=True)
class Found:
    """A study that is to be confirmed, and its best trials with different settings."""

    entry: Entry
    best: Sequence[TrialRow]

    @property
    def score(self) -> Score:
        data = self.entry.stored.study.user_attrs[records.STUDY_DATA]
        return score_of(self.entry.stored.file, data["validation"])


def confirm_study(asked: Asked) -> int:
    """Confirms a study and prints what came out.

    :returns: 0, or 130 (143) after Ctrl-C (SIGTERM): what was measured by then is kept.
    """
    console = Console(stderr=asked.as_json)
    device = choose_device(asked.device)
    check_precision(asked.precision, device)
    worker_count(asked.workers, 1, 1)
    _check_plot(asked.plot)
    with reading(asked.storage) as storage:
        first = _found(storage, asked.study or only_study(storage), asked.top)
        found = [first]
        if asked.against is not None:
            found.append(_found(storage, asked.against, asked.top))
        wish = Wish(asked.seeds, asked.racing, asked.again)
        check_alike([each.entry for each in found])
        with Interrupt(lambda reason: display.say(_stopping(reason))) as stop:
            display = ConfirmDisplay(console, [each.score for each in found])
            confirmation = Confirmation([each.entry for each in found], wish, display)
            storage.patience = Patience(
                PATIENCE,
                gone=lambda cause: display.say(f"waiting for the storage: {cause}"),
                back=lambda seconds: display.say(f"the storage is back after {seconds:.0f} s"),
                should_stop=lambda: stop() is not None,
            )
            _fetch(found, asked)
            try:
                with display, _crew(confirmation, asked, device.type, stop) as crew:
                    verdicts = confirmation(crew)
            except Stopped:
                reason = stop() or "Ctrl-C"
                console.print(f"stopped by {reason}; what was measured is kept", highlight=False)
                return EXIT_CODES[reason]
    _tell(console, found, verdicts, asked)
    return 0


def _stopping(reason: str) -> str:
    return f"{reason}: stacks that run now are given up; once more ends at once"


def _found(storage: Storage, name: str, top: int) -> Found:
    stored = open_study(storage, name)
    every = rows(stored.study)
    complete = ranked(every, stored.file.metric)
    if len(complete) < LEAST:
        told = "no complete trial" if not complete else "only one complete trial"
        where = shown_url(storage.url)
        raise InputError(f"study {name!r} in {where} has {told}; confirm needs at least {LEAST}")
    best = list(_different(complete))[:top]
    contestants = [_contestant(stored, row) for row in best]
    seeds = {row.seed for row in every if row.seed is not None}
    return Found(Entry(stored, contestants, seeds), best)


def _different(complete: Sequence[TrialRow]) -> Iterator[TrialRow]:
    """The trials, of those with equal settings the first alone."""
    known: list[object] = []
    for row in complete:
        if row.settings not in known:
            known.append(row.settings)
            yield row


def _contestant(stored: StoredStudy, row: TrialRow) -> Contestant:
    assert row.value is not None
    # A trial that its time ended is confirmed for as long as it came.
    whole = rounds_of(row.settings)
    rounds = len(row.epochs) if row.reason == MAX_TIME and row.epochs else whole
    return Contestant(stored.file.study.name, row.number, row.settings, row.value, rounds)


def _fetch(found: Sequence[Found], asked: Asked) -> None:
    """What is not on this machine yet is fetched once, before processes ask for it."""
    for name in {each.entry.stored.file.data.name for each in found} & set(SOURCES):
        with progress_bar(name) as report:
            fetch(name, asked.data_dir, report=report)


@contextmanager
def _crew(confirmation: Confirmation, asked: Asked, kind: str, stop: Interrupt) -> Iterator[Crew]:
    """This process, or several where there are cores for them."""

    def should_stop() -> bool:
        return stop() is not None

    cores = available_cores() if kind == "cpu" else 1
    count = worker_count(asked.workers, cores, max(1, confirmation.left()))
    grounds = confirmation.grounds()
    if count == 1:
        device = choose_device(asked.device)
        prepare_process(device, asked.precision)
        data, precision = asked.data_dir, asked.precision
        yield OneProcess(
            Retraining(grounds, device, should_stop, data_dir=data, precision=precision)
        )
        return
    errand = Errand(grounds, asked.device, asked.precision, asked.data_dir)
    with Processes(errand, count, should_stop) as processes:
        yield processes


def _tell(
    console: Console, found: Sequence[Found], verdicts: Sequence[Verdict], asked: Asked
) -> None:
    if asked.plot is not None:
        _plot(asked.plot, found[0], verdicts[0])
    if asked.as_json:
        told = [
            {"study": f.entry.name, **v.to_json()} for f, v in zip(found, verdicts, strict=True)
        ]
        if verdicts[0].against is not None:
            told[0]["against"]["sentence"] = sentence_against(found[0].entry.name, verdicts[0])
        other = {"other": told[1] if told[1:] else None}
        print(json.dumps(json_object(told[0] | other), indent=2))
        return
    for each, found_out in zip(reversed(found), reversed(verdicts), strict=True):
        stored = each.entry.stored
        names = list(stored.file.searched())
        print_confirmation(
            console, each.entry.name, found_out, each.score, best=each.best, names=names
        )
    if asked.plot is not None:
        console.print(f"picture in {asked.plot}", highlight=False, markup=False)


def _check_plot(path: Path | None) -> None:
    """Before hours are spent: whether the picture can be drawn, and written there."""
    if path is None:
        return
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise InputError("--plot: this needs matplotlib: pip install 'a3b-tune[dashboard]'")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--plot {path}: no folder {path.absolute().parent}")


def _plot(path: Path, found: Found, told: Verdict) -> None:
    from a3b_tune.tuning.drawing import Interval, draw_intervals

    marked = [
        Interval(
            f"trial {row.trial}" + ("" if row.dropped is None else " (dropped)"),
            row.mean,
            row.half,
            row.said,
            pale=row.dropped is not None,
        )
        for row in told.rows
    ]
    metric = found.entry.stored.file.metric
    heading = f"{found.entry.name}: means over fresh seeds with 95 % intervals"
    path.write_bytes(draw_intervals(marked, heading, metric.title))
