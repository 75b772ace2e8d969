"""A report as a PDF, set by Typst: A4, numbered pages, contents, fonts that Typst brings along.

The only file that needs typst. The report goes to it as data, so that no text can be taken for
markup. Knows no study.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from a3b_tune.results.report.blocks import (
    Block,
    Code,
    Facts,
    Paragraph,
    Plots,
    Report,
    Section,
    Table,
)
from a3b_tune.results.report.text import clean, told
from a3b_tune.results.report.thinning import drawn

TEMPLATE = Path(__file__).with_name("page") / "report.typ"
Json = dict[str, Any]


def render(report: Report) -> bytes:
    """The PDF; the same report is always the same file.

    :raises ImportError: typst is not there, or there are plots and matplotlib is not.
    """
    return compiled(as_data(report))


def compiled(data: str) -> bytes:
    """The PDF of a report that is data already."""
    import typst

    given = {"report": data}
    template = TEMPLATE.read_bytes()
    return bytes(typst.compile(template, format="pdf", sys_inputs=given, timestamp=0))


def as_data(report: Report) -> str:
    """The report as the template takes it: JSON."""
    whole = {
        "title": clean(report.title),
        "about": [[clean(name), clean(text)] for name, text in report.about],
        "sections": [_section(section) for section in report.sections],
    }
    return json.dumps(whole, ensure_ascii=False)


def _section(section: Section) -> Json:
    return {
        "heading": clean(section.heading),
        "blocks": [{"block": type(block).__name__} | _block(block) for block in section.blocks],
        "sections": [_section(below) for below in section.sections],
    }


def _block(block: Block) -> Json:
    match block:
        case Paragraph(parts, kind):
            return {"kind": kind, "text": told(parts)}
        case Table():
            return _table(block)
        case Plots(_, caption):
            return {"caption": clean(caption), "panels": _panels(block)}
        case Code(text, where, language):
            return {"text": clean(text), "where": clean(where), "language": clean(language)}
        case Facts(pairs):
            return {"pairs": [[clean(name), told(parts)] for name, parts in pairs]}


def _table(table: Table) -> Json:
    missing = [False] * (len(table.columns) - len(table.numeric))
    return {
        "columns": [clean(name) for name in table.columns],
        "rows": [[told(cell) for cell in row] for row in table.rows],
        "caption": clean(table.caption),
        "numeric": [*table.numeric, *missing],
    }


def _panels(block: Plots) -> Sequence[Json]:
    from a3b_tune.results.report.matplotlib_plots import svg

    found = []
    for plot in block.panels:
        thin, note = drawn(plot)
        found.append(
            {
                "title": clean(plot.title),
                "svg": svg(thin, narrow=len(block.panels) > 1).decode(),
                "alt": clean(plot.alt),
                "source": clean("; ".join(filter(None, [plot.source, note]))),
            }
        )
    return found
