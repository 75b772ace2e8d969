"""What a report is made of, before anything of it is drawn: headings, paragraphs, tables, plots.

Every number that a report tells is a `Number`, which knows where it was measured, so that a test
can follow each of them to its trial. Knows no study and no way to print.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Number:
    """A number as it is `shown` ("0.7522", "12 s"), its exact `value`, and its `source`, in words
    that name where it stands: `trial 3 of synth`, `trials 1, 4 of synth`, `study synth`, `theory`
    for what is worked out from the data or the grammar, `asked` for settings."""

    shown: str
    value: float
    source: str


Inline = str | Number
"""A paragraph or a cell: text in which numbers stand as such. Text holds no measured digits."""


@dataclass(frozen=True)
class Paragraph:
    """Running text. `kind` "answer" is the one plain sentence that answers a question, "note" is a
    remark of less weight, "warning" what a reader must know before believing the rest."""

    parts: Sequence[Inline]
    kind: str = "plain"


@dataclass(frozen=True)
class Table:
    """`rows` of cells, one per column; a cell is inline parts. `numeric` says which columns are
    aligned right; `caption` stands above."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Sequence[Inline]]]
    caption: str = ""
    numeric: Sequence[bool] = ()


@dataclass(frozen=True)
class Series:
    """One line or cloud of a plot: `kind` is line, points, step, bar or interval (`low` and `high`
    around `ys`: a band around a line over numbers, whiskers around marks over names). `names` are
    told when a point is pointed at. `group` gives series one colour: see `style.py`."""

    name: str
    xs: Sequence[float | str]
    ys: Sequence[float]
    kind: str = "line"
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    names: Sequence[str] = ()
    group: int | None = None


@dataclass(frozen=True)
class Plot:
    """One panel with labelled axes (`x_label` and `y_label` with units); `lines` are levels with
    their names (a ceiling, a floor), `log_x`, `log_y` logarithmic axes. `source` says which trials
    it draws. `alt` says in a sentence what is to be seen, for who cannot see it."""

    title: str
    series: Sequence[Series]
    x_label: str
    y_label: str
    source: str
    alt: str
    lines: Sequence[tuple[str, float]] = ()
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Plots:
    """Panels beside each other, under one caption."""

    panels: Sequence[Plot]
    caption: str = ""


@dataclass(frozen=True)
class Code:
    """Source or commands as they are: `where` says what it is and from which line of which file."""

    text: str
    where: str = ""
    language: str = "python"


@dataclass(frozen=True)
class Facts:
    """Pairs of a name and what it is."""

    pairs: Sequence[tuple[str, Sequence[Inline]]]


Block = Paragraph | Table | Plots | Code | Facts


@dataclass(frozen=True)
class Section:
    """A heading with blocks and sections below it. `anchor` is unique in the report."""

    heading: str
    anchor: str
    blocks: Sequence[Block] = ()
    sections: Sequence["Section"] = ()


@dataclass(frozen=True)
class Report:
    """`about` stands under the title: when, of what, by which version."""

    title: str
    about: Sequence[tuple[str, str]]
    sections: Sequence[Section] = field(default=())

    def walk(self) -> Iterator[Section]:
        """All sections, each before those below it."""
        waiting = list(reversed(self.sections))
        while waiting:
            section = waiting.pop()
            yield section
            waiting.extend(reversed(section.sections))
