"""A report as one HTML page that needs nothing else: it opens from a disk and asks for nothing.

The only file that needs jinja2. Plots are pictures until the page's script has unpacked Plotly,
which travels with it; they stay pictures where no script runs. Knows no study.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a3b_tune.results.report.blocks import Plot, Plots, Report
from a3b_tune.results.report.text import clean
from a3b_tune.results.report.thinning import drawn

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE = Path(__file__).with_name("page")
# Enough that no colour of the palette is lost in a picture.
COLORS, DPI = 128, 110


@dataclass(frozen=True)
class Drawing:
    """What a panel's place in the page holds: a PNG in base64, and what is left out of it."""

    picture: str
    note: str


def render(report: Report) -> bytes:
    """The page.

    :raises ImportError: jinja2 is not there, or there are plots and plotly or matplotlib is not.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    pages = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, finalize=_plain
    )
    from a3b_tune.results.report import matplotlib_plots, plotly_plots

    js = _part("report.js")
    plotly = plotly_plots.script() if any(True for _ in plots_of(report)) else None
    figures: list[Any] = []

    def draw(plot: Plot) -> Drawing:
        thin, note = drawn(plot)
        figures.append(plotly_plots.figure(thin))
        picture = matplotlib_plots.png(thin, DPI, COLORS)
        return Drawing(base64.b64encode(picture).decode(), note)

    html = pages.get_template("report.html").render(
        report=report,
        policy=_policy([js, *([plotly] if plotly else [])]),
        css=Markup(_part("report.css")),
        js=Markup(js),
        plotted=plotly is not None,
        plotly=Markup(_packed(plotly)) if plotly else "",
        figures=lambda: _json(figures),
        draw=draw,
        kind_of=lambda block: type(block).__name__,
    )
    return html.encode("utf-8", "replace")


def plots_of(report: Report) -> Iterator[Plot]:
    """All plots, in their order."""
    for section in report.walk():
        for block in section.blocks:
            if isinstance(block, Plots):
                yield from block.panels


def _plain(value: object) -> object:
    return clean(value) if type(value) is str else value


def _part(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _policy(scripts: list[str]) -> str:
    """Nothing may be loaded or asked for, and no script run but these."""
    hashes = (base64.b64encode(hashlib.sha256(own.encode()).digest()) for own in scripts)
    allowed = " ".join(f"'sha256-{own.decode()}'" for own in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _json(value: object) -> "Markup":
    """JSON that ends no script element."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
