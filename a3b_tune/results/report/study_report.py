"""A report on one study or several: what each section is, and in which order.

Knows what stands where, and leaves what is said to the sections' own files. Knows no page.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from a3b_tune import __version__
from a3b_tune.results.report.again import again
from a3b_tune.results.report.asked import asked
from a3b_tune.results.report.blocks import Block, Inline, Paragraph, Report, Section, Table
from a3b_tune.results.report.confirmed import confirmed
from a3b_tune.results.report.cost import cost
from a3b_tune.results.report.failures import endings
from a3b_tune.results.report.found import found
from a3b_tune.results.report.growth import growth
from a3b_tune.results.report.history import curves, history
from a3b_tune.results.report.provenance import provenance
from a3b_tune.results.report.slices import slices
from a3b_tune.results.report.spread import importances
from a3b_tune.results.report.traced import Traced, counted

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview

Blocks = Callable[[Traced], Iterable[Block]]
SECTIONS: tuple[tuple[str, str, Blocks], ...] = (
    ("asked", "What was asked", asked),
    ("found", "What was found", found),
    ("sure", "How sure that is", confirmed),
    ("history", "How the search went", history),
    ("curves", "Learning curves", curves),
    ("samples", "What it writes", growth),
    ("decided", "What decided", importances),
    ("settings", "Each setting alone", slices),
    ("cost", "What it cost", cost),
    ("endings", "How trials ended", endings),
    ("provenance", "Where the numbers come from", provenance),
)


def study_report(
    overviews: Sequence["StudyOverview"],
    title: str | None = None,
    *,
    storage: str | None = None,
    now: datetime | None = None,
) -> Report:
    """The report.

    :param title: by default made of the studies' names.
    :param storage: the storage, as it may be shown, where the commands must name it.
    """
    named = " and ".join(overview.name for overview in overviews)
    heading = title or f"Report on {named if len(overviews) < 3 else 'studies'}"
    when = now or datetime.now().astimezone()
    about = [("written", f"{when:%Y-%m-%d %H:%M}"), ("by", f"a3b-tune {__version__}")]
    studies = [
        study_section(overview, f"study-{at}", storage) for at, overview in enumerate(overviews, 1)
    ]
    first = [_together(overviews)] if len(overviews) > 1 else []
    return Report(heading, about, [*first, *studies])


def study_section(overview: "StudyOverview", anchor: str, storage: str | None = None) -> Section:
    """All that there is to say about one study."""
    told = Traced(overview)
    parts = [(key, heading, list(made(told))) for key, heading, made in SECTIONS]
    parts.append(("again", "To get it again", list(again(told, storage))))
    sections = [
        Section(heading, f"{anchor}-{key}", blocks) for key, heading, blocks in parts if blocks
    ]
    return Section(f"Study {overview.name}", anchor, list(_first(told)), sections)


def _first(told: Traced) -> Iterator[Block]:
    """What must be known before all else."""
    overview = told.overview
    going = overview.counts["running"] + overview.counts["waiting"]
    if overview.ended < overview.asked or going:
        ended = told.study("ended", overview.ended)
        whole = counted(told.study("asked", overview.asked, kind="asked"), "trial")
        running = told.study("counts.running", overview.counts["running"])
        going_on: list[Inline] = [running, " running. What is said here may change."]
        parts = ["This study is not finished: ", ended, " of ", *whole, " have ended, ", *going_on]
        yield Paragraph(parts, "warning")


def _together(overviews: Sequence["StudyOverview"]) -> Section:
    rows = [_row(Traced(overview)) for overview in overviews]
    heads = ["study", "data", "trials ended", "metric", "best value", "trial"]
    numeric = [False, False, True, False, True, True]
    return Section("The studies", "studies", [Table(heads, rows, numeric=numeric)])


def _row(told: Traced) -> list[list[Inline]]:
    overview, best = told.overview, told.overview.best
    value: list[Inline] = ["–"] if best is None else [told.value(best)]
    number: list[Inline] = ["–"] if best is None else [told.called(best.number)]
    ended = told.study("ended", overview.ended)
    metric = overview.file.metric.title
    return [[overview.name], [str(overview.data["name"])], [ended], [metric], value, number]
