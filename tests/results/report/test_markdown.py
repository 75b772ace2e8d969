"""Markdown that GitHub shows as the report is."""

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt

from a3b_tune.results.report.blocks import Code, Facts, Paragraph, Report, Section, Table
from a3b_tune.results.report.markdown import escaped, render
from a3b_tune.results.report.text import clean
from tests.results.report import example
from tests.results.report.hostile import anything

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(text: str) -> str:
    """What is left of a text: no spaces at the ends of its lines."""
    return "\n".join(line.strip() for line in clean(text).strip().split("\n"))


def read(tokens) -> list[str]:
    """The text of each paragraph, heading and cell."""
    return [
        "".join(
            {"softbreak": "", "html_inline": "\n"}.get(part.type, part.content)
            for part in token.children
        )
        for token in tokens
        if token.type == "inline"
    ]


@given(text=anything)
@settings(max_examples=150, deadline=None)
def test_any_text_is_shown_as_it_is(text):
    tokens = READER.parse(f"{escaped(text)}\n")
    assert read(tokens) == ([shown(text)] if shown(text) else [])
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}


@given(text=anything)
@settings(max_examples=50, deadline=None)
def test_any_text_stays_in_its_cell_its_fence_and_its_heading(text):
    table = Table([text, "b"], [[[text], ["c"]]], numeric=[False, True])
    blocks = [table, Code(text, language=text), Facts([(text, [text])]), Paragraph([text], "note")]
    made, pictures = render(Report("r", [], [Section(text, "at", blocks)]), "files")
    tokens = READER.parse(made.decode())
    assert pictures == {}
    begins = [at for at, token in enumerate(tokens) if token.type in ("th_open", "td_open")]
    cells = [read([tokens[at + 1]])[0] for at in begins]
    assert cells == [shown(text), "b", shown(text), "c"]
    fences = [token.content for token in tokens if token.type == "fence"]
    assert fences == [clean(text).rstrip() + "\n"]
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", "h2"]


def test_a_report_is_a_text_and_pictures():
    pytest.importorskip("matplotlib", reason="pictures are an extra")
    made, pictures = render(example.report(brief=True), "my files")
    text = made.decode()
    assert len(pictures) == 2
    for name, png in pictures.items():
        assert f"](my%20files/{name})" in text
        assert png.startswith(b"\x89PNG")
    assert "**The best accuracy is 0.7522, that of the ceiling.**" in text
    assert "> [!WARNING]\n> No test was scored." in text
    assert "- [Study synth](#synth)\n  - [What was found](#synth-found)\n" in text
    assert f"```toml\n{example.STUDY.rstrip()}\n```" in text
