"""A report as GitHub's Markdown, with its plots as pictures beside it.

Text of a study is escaped: it is shown as it is. Needs no package but, for the pictures,
matplotlib. Knows no study.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from html import escape
from urllib.parse import quote

from a3b_tune.results.report.blocks import (
    Block,
    Code,
    Facts,
    Inline,
    Paragraph,
    Plots,
    Report,
    Section,
    Table,
)
from a3b_tune.results.report.text import clean, told
from a3b_tune.results.report.thinning import drawn

# What begins markup anywhere, and what only at the beginning of a line.
ANYWHERE = re.compile(r"([\\`*_\[\]<>&|~$#])")
FIRST = re.compile(r"^()([-+])(?=\s|$)|^()([-=])(?=[-=\s]*$)|^(\d+)([.)])(?=\s|$)")
# GitHub makes links of these, escaped or not, unless the sign after them is escaped.
ADDRESS = re.compile(r"(?i)(https?|ftp)(:)|(www)(\.)")
DPI = 130


class Pictures:
    """Pictures by the name of their file in a folder; a name tells what is in it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.files: dict[str, bytes] = {}

    def add(self, png: bytes) -> str:
        """Keeps a picture: its place, as a link has it."""
        name = f"plot-{hashlib.sha256(png).hexdigest()[:16]}.png"
        self.files[name] = png
        return f"{quote(self.folder)}/{name}"


def render(report: Report, folder: str) -> tuple[bytes, dict[str, bytes]]:
    """The text, and the pictures that belong into the folder beside it.

    :raises ImportError: there are plots and matplotlib is not there.
    """
    pictures = Pictures(folder)
    about = "<br>\n".join(f"{_line(name)}: {_line(text)}" for name, text in report.about)
    parts = [f"# {_line(report.title)}", about, "\n".join(_contents(report.sections))]
    for section in report.sections:
        parts += _section(section, 2, pictures)
    return ("\n\n".join(filter(None, parts)) + "\n").encode(), pictures.files


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, but for spaces around it and at the ends of its lines."""
    lines = (_escaped(line.strip()) for line in clean(text).strip().split("\n"))
    return "<br>\n".join(lines)


def _escaped(line: str) -> str:
    line = ANYWHERE.sub(r"\\\1", line)
    line = ADDRESS.sub(lambda found: "\\".join(filter(None, found.groups())), line)
    return FIRST.sub(r"\1\3\5\\\2\4\6", line)


def _line(text: str) -> str:
    """Text in one line, in a cell or a heading."""
    return escaped(text).replace("<br>\n", "<br>")


def _contents(sections: Sequence[Section], levels: int = 2, indent: str = "") -> Iterator[str]:
    for own in sections:
        yield f"{indent}- [{_line(own.heading)}](#{quote(own.anchor)})"
        if levels > 1:
            yield from _contents(own.sections, levels - 1, indent + "  ")


def _section(own: Section, level: int, pictures: Pictures) -> Iterator[str]:
    yield f'<a id="{escape(own.anchor)}"></a>'
    yield f"{'#' * min(level, 6)} {_line(own.heading)}"
    for block in own.blocks:
        yield from _block(block, pictures)
    for below in own.sections:
        yield from _section(below, level + 1, pictures)


def _block(block: Block, pictures: Pictures) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _paragraph(block)
        case Table():
            yield _line(block.caption)
            yield "\n".join(_table(block))
        case Plots():
            yield _line(block.caption)
            yield from _panels(block, pictures)
        case Code(text, where, language):
            yield _line(where)
            yield _fenced(clean(text), language)
        case Facts(pairs):
            yield "\n".join(f"- {_line(name)}: {_cell(parts)}" for name, parts in pairs)


def _paragraph(own: Paragraph) -> str:
    text = escaped(told(own.parts))
    if own.kind == "answer" and text.strip():
        return f"**{text}**"
    if own.kind in ("note", "warning"):
        return f"> [!{own.kind.upper()}]\n> " + text.replace("\n", "\n> ")
    return text


def _table(own: Table) -> Iterator[str]:
    if not own.columns:
        return
    numeric = [*own.numeric, *[False] * len(own.columns)]
    yield _row([_line(name) for name in own.columns])
    yield _row(["---:" if numeric[at] else ":---" for at in range(len(own.columns))])
    for row in own.rows:
        yield _row([_cell(cell) for cell in row])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(parts: Sequence[Inline]) -> str:
    return _line(told(parts))


def _panels(block: Plots, pictures: Pictures) -> Iterator[str]:
    from a3b_tune.results.report.matplotlib_plots import png

    for plot in block.panels:
        thin, note = drawn(plot)
        place = pictures.add(png(thin, DPI))
        source = _line("; ".join(filter(None, [plot.source, note])))
        yield f"**{_line(plot.title)}**" if plot.title.strip() else ""
        yield f"![{_line(plot.alt).replace('<br>', ' ')}]({place})"
        yield f"<sub>{source}</sub>"


def _fenced(text: str, language: str) -> str:
    """Code between more backticks than it has in a row."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    kind = re.sub(r"[^A-Za-z0-9+-]", "", language)
    return f"{fence}{kind}\n{text.rstrip()}\n{fence}"
