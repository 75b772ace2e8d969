"""From a budget to the report of the course: studies one after the other, evidence, pages.

Imported only when the command runs: it brings torch and Optuna with it.
"""

import json
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from a3b_tune.cli.asked import Asked
from a3b_tune.cli.course_plan import Part, parts_of, study_file
from a3b_tune.cli.figures import duration
from a3b_tune.cli.running import run_study
from a3b_tune.data import Dataset, Rows, imdb
from a3b_tune.data.fetch import fetch, progress_bar
from a3b_tune.data.load import load
from a3b_tune.data.places import data_dir
from a3b_tune.errors import InputError
from a3b_tune.results.course.document import Answered, answered, document
from a3b_tune.results.course.evidence import Evidence
from a3b_tune.results.course.padding import sentences
from a3b_tune.results.course.questions import QUESTIONS
from a3b_tune.results.overview import StudyOverview, study_overview
from a3b_tune.results.report.write import check_path, write_report
from a3b_tune.storage.opening import check_url, open_storage, shown_url
from a3b_tune.study import StudyFile
from a3b_tune.study.differences import differences
from a3b_tune.tuning.studies import open_study, study_names
from a3b_tune.workers.team import worker_count

PAGES = ("report.html", "report.pdf", "report.md")
STORAGE = "course.db"
INTERRUPTED = 128
# Seconds for what is tried out and for writing the pages.
WRITING = 20.0


@dataclass(frozen=True)
class Wanted:
    """What a person asked for, as it was typed."""

    budget: str
    out: Path
    numbers: Sequence[int]
    storage: str | None
    workers: str
    device: str
    data_dir: Path | None
    as_json: bool
    only: str | None

    @property
    def url(self) -> str:
        return self.storage or f"sqlite:///{self.out / STORAGE}"

    @property
    def command(self) -> str:
        """The same again; of a storage's address only what may be shown."""
        words = ["a3b-tune", "course", "--budget", self.budget, "--out", str(self.out)]
        words += ["--only", self.only] if self.only is not None else []
        words += ["--storage", shown_url(self.storage)] if self.storage is not None else []
        words += ["--data-dir", str(self.data_dir)] if self.data_dir is not None else []
        return shlex.join(words)


def answer_course(wanted: Wanted) -> int:
    """Runs what is left to run and writes the report.

    :returns: 0, or 1 where the trials of a study failed one after the other, or 130 (143) after
        Ctrl-C (SIGTERM): what is done is kept.
    """
    began, console = time.monotonic(), Console(stderr=wanted.as_json)
    worker_count(wanted.workers, 1, 1)
    made = _folder(wanted)
    needed = {name for each in QUESTIONS if each.number in wanted.numbers for name in each.studies}
    parts = parts_of(wanted.budget, needed)
    absent = _absent(wanted, parts)
    parts = [part for part in parts if part.role not in absent]
    try:
        left = _left(wanted, parts)
    except InputError:
        if made:
            wanted.out.rmdir()
        raise
    code = _run(wanted, left, console)
    if code > INTERRUPTED:
        _print(console, f"what is done is kept; {wanted.command} goes on")
        return code
    with console.status("trying out the code and writing the report …"):
        evidence = _evidence(wanted, parts, absent)
        answers = answered(evidence, wanted.numbers)
        report = document(evidence, answers, wanted.budget, [wanted.command])
        paths = [wanted.out / name for name in PAGES]
        for path in paths:
            write_report(report, path)
    _tell(answers, paths, time.monotonic() - began, wanted, console)
    return code


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _folder(wanted: Wanted) -> bool:
    """The folder of the report, made where there is none; whether it was.

    :raises InputError: it cannot be, or a page cannot be written, or the storage cannot be used.
    """
    out = wanted.out
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: this is a file; name a folder")
    # What the pages need is asked of a folder that is there.
    for name in PAGES:
        check_path((out if out.is_dir() else Path()) / name)
    if wanted.storage is not None:
        check_url(wanted.storage)
    made = not out.is_dir()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"--out {out}: cannot be made, {reason}") from None
    return made


def _absent(wanted: Wanted, parts: Sequence[Part]) -> dict[str, str]:
    """Studies whose data is not at hand, and why."""
    named = [part.role for part in parts if study_file(part).data.name == "imdb"]
    folder = data_dir(wanted.data_dir)
    if not named or (folder / imdb.FILE).is_file():
        return {}
    again = f"{_fetch_command(wanted)} gets them, then run this again"
    why = f"the IMDb reviews were not at hand; {again}"
    if wanted.budget == "full":
        try:
            with progress_bar("imdb") as report:
                fetch("imdb", wanted.data_dir, report=report)
        except InputError as error:
            why = f"the IMDb reviews could not be fetched ({error})"
        else:
            return {}
    return dict.fromkeys(named, why)


def _fetch_command(wanted: Wanted) -> str:
    words = ["a3b-tune", "data", "fetch", "imdb"]
    given = wanted.data_dir
    return shlex.join([*words, *(["--data-dir", str(given)] if given is not None else [])])


def _left(wanted: Wanted, parts: Sequence[Part]) -> list[tuple[Part, StudyFile]]:
    """The parts that are not done, with what they run; a study that is there may have asked for
    more trials already.

    :raises InputError: a study of a part's name says something else.
    """
    known = _stored(wanted, parts)
    left = []
    for part in parts:
        file, there = study_file(part), known.get(part.role)
        if there is not None:
            if different := differences(there.file, file):
                raise InputError(
                    f"study {part.name!r} in {shown_url(wanted.url)} began with other settings: "
                    f"{'; '.join(different)}. Use another --storage"
                )
            most = max(file.study.trials, there.file.study.trials)
            if there.ended >= file.study.trials:
                continue
            study = file.study.model_copy(update={"trials": most})
            file = file.model_copy(update={"study": study})
        left.append((part, file))
    return left


def _stored(wanted: Wanted, parts: Sequence[Part]) -> dict[str, StudyOverview]:
    """What is there of the parts, by role."""
    if wanted.storage is None and not (wanted.out / STORAGE).exists():
        return {}
    storage = open_storage(wanted.url)
    names = set(study_names(storage))
    return {
        part.role: study_overview(open_study(storage, part.name))
        for part in parts
        if part.name in names
    }


def _run(wanted: Wanted, left: Sequence[tuple[Part, StudyFile]], console: Console) -> int:
    """One study after the other; the first code that is an interruption ends it."""
    worst, spent, expected = 0, 0.0, 0.0
    for at, (part, file) in enumerate(left):
        rest = sum(other.seconds for other, _ in left[at:])
        pace = spent / expected if expected else 1.0
        _print(
            console,
            f"\nstudy {at + 1} of {len(left)}: {part.name}, {_for(part, wanted)}; "
            f"about {duration(pace * rest + WRITING)} left",
        )
        began = time.monotonic()
        code = run_study(file, _asked(wanted, part), console, summary=False)
        if code > INTERRUPTED:
            return code
        worst = max(worst, code)
        spent += time.monotonic() - began
        expected += part.seconds
    return worst


def _for(part: Part, wanted: Wanted) -> str:
    numbers = [str(each.number) for each in QUESTIONS if part.role in each.studies]
    asked = [number for number in numbers if int(number) in wanted.numbers]
    return f"for question{'s' if len(asked) > 1 else ''} {' and '.join(asked)}"


def _asked(wanted: Wanted, part: Part) -> Asked:
    """As `a3b-tune run` would have been asked."""
    return Asked(
        command=f"run {part.file}", trials=None, timeout=None, model=None, pool=None,
        name=part.name, sampler=None, pruner=None, seed=None, workers=wanted.workers, stack="auto",
        device=wanted.device, precision="auto", storage=wanted.url, data_dir=wanted.data_dir,
        changes=part.changes, as_json=wanted.as_json,
    )  # fmt: skip


def _evidence(wanted: Wanted, parts: Sequence[Part], absent: Mapping[str, str]) -> Evidence:
    rows, name = _rows(wanted)
    return Evidence(
        studies=_stored(wanted, parts),
        absent=absent,
        rows=rows,
        rows_name=name,
        cuts={part.role: part.changes for part in parts},
    )


def _rows(wanted: Wanted) -> tuple[Rows, str]:
    """Rows of unequal length: reviews, where they are at hand."""
    if (data_dir(wanted.data_dir) / imdb.FILE).is_file():
        found = load("imdb", data_dir=wanted.data_dir)
        assert isinstance(found, Dataset)
        return found.train, "IMDb reviews to train on"
    return sentences(), "sentences of the toy text, as rows of words"


def _tell(
    answers: Sequence[Answered],
    paths: Sequence[Path],
    seconds: float,
    wanted: Wanted,
    console: Console,
) -> None:
    if wanted.as_json:
        told = [
            {
                "number": each.question.number,
                "title": each.question.title,
                "answered": each.answer.answered,
                "answer": each.sentence,
            }
            for each in answers
        ]
        print(
            json.dumps(
                {
                    "report": [str(path) for path in paths],
                    "seconds": round(seconds, 1),
                    "questions": told,
                },
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    console.print()
    for each in answers:
        _print(console, f"{each.question.number:>2}. {each.sentence}")
    names = ", ".join(str(path) for path in paths)
    _print(console, f"\n{names} · {duration(seconds)}")
