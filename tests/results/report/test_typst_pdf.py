"""The report on paper."""

import json
from itertools import count

import pytest
from hypothesis import given, settings

from a3b_tune.results.report.blocks import Code, Facts, Number, Paragraph, Report, Section, Table
from a3b_tune.results.report.text import clean
from tests.results.report import example
from tests.results.report.hostile import MARKUP, anything

pytest.importorskip("typst", reason="reports are an extra")
pytest.importorskip("matplotlib", reason="reports are an extra")

from a3b_tune.results.report.typst_pdf import TEMPLATE, as_data, compiled, render


def asked(data: str, what: str, field: str) -> list:
    """What Typst itself says that the document holds."""
    from typst import query

    given = {"report": data}
    return json.loads(query(TEMPLATE.read_bytes(), what, field=field, sys_inputs=given))


def text_of(content) -> str:
    if isinstance(content, list):
        return "".join(map(text_of, content))
    children = [content.get(name, []) for name in ("children", "body", "child")]
    return content.get("text", "") + "".join(map(text_of, children))


@given(text=anything)
@settings(max_examples=25, deadline=None)
def test_any_text_is_set_as_it_is(text):
    parts = [Paragraph([text, Number(text, 1.0, text)]), Code(text)]
    report = as_data(Report("r", [], [Section(f"h{text}", "a", parts)]))
    assert f"h{clean(text)}" in map(text_of, asked(report, "heading", "body"))
    assert clean(text) * 2 in [*map(text_of, asked(report, "par", "body")), ""]
    assert asked(report, "raw", "text") == [clean(text)]


def test_any_text_fits_everywhere():
    for text in MARKUP:
        blocks = [
            *(Paragraph([text], kind) for kind in ("answer", "warning", "note")),
            Table([text, text], [[[text], [text]]], text, [True]),
            Facts([(text, [text])]),
            Code(text, text, text),
        ]
        assert render(Report(text, [(text, text)], [Section(text, text, blocks)]))


def test_a_report_is_a_pdf_with_contents_and_described_plots():
    report = as_data(example.report(brief=True))
    made = compiled(report)
    assert made.startswith(b"%PDF-")
    assert len(made) < 500_000
    assert made == compiled(report), "always the same file"
    alts = asked(report, "image", "alt")
    assert alts == ["The best accuracy rises quickly, then slowly.", "Ten curves rise."]
    headings = [text_of(body) for body in asked(report, "heading", "body")]
    assert headings[:2] == ["Contents", "Study synth"]


def test_odd_reports_are_pdfs():
    odd = [Table([], []), Table(["a"] * 14, [[["b" * 30]] * 14] * 80), Facts([])]
    deep: Section | None = None
    for level in count(9, -1):
        if level == 0:
            break
        deep = Section(f"level {level}", "same", odd[:1], [deep] if deep else [])
    assert deep is not None
    assert render(Report("", [], [])).startswith(b"%PDF-")
    assert render(Report("odd", [], [deep, Section("", "b", odd)])).startswith(b"%PDF-")
