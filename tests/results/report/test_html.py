"""The page: it needs nothing else, shows text as text, and its plots come alive."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from a3b_tune.results.report.blocks import Number, Paragraph, Report, Section
from a3b_tune.results.report.text import clean
from tests.results.dashboard.browser import Browser
from tests.results.report import example
from tests.results.report.hostile import MARKUP, anything

pytest.importorskip("jinja2", reason="reports are an extra")
pytest.importorskip("matplotlib", reason="reports are an extra")
pytest.importorskip("plotly", reason="reports are an extra")

from a3b_tune.results.report.html import render


class Reader(HTMLParser):
    """The text of the elements that are asked for, and all attributes that load something."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.links: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.texts.setdefault(tag, []).append("")
        self.links += [value for name, value in attrs if name in ("src", "href")]
        self.attributes.append(dict(attrs))

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts[tag][-1] += data


@pytest.fixture(scope="module")
def page() -> bytes:
    return render(example.report(200))


def only(text: str) -> Report:
    parts = [text, Number(text, 0.25, text)]
    return Report(text, [(text, text)], [Section(text, "at", [Paragraph(parts)])])


@given(text=anything)
@settings(max_examples=40, deadline=None)
def test_any_text_is_shown_as_it_is(text):
    found = Reader(render(only(text)))
    assert found.texts["h1"] == [clean(text)]
    assert found.texts["h2"] == [clean(text)]
    assert found.texts["p"] == [clean(text) * 2]
    assert found.texts["data"] == [clean(text)]
    sources = [own["title"] for own in found.attributes if own.get("value") == "0.25"]
    assert sources == [clean(text)]


def test_nothing_is_loaded_and_only_its_own_scripts_run(page):
    found = Reader(page)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in found.links)
    policy = found.attributes[4]["content"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")
    assert not re.search(
        r"https?://", re.sub(rb"<script.*?</script>", b"", page, flags=re.S).decode()
    )


def test_a_page_without_plots_is_small_and_one_of_many_trials_stays_below_5_mb(page):
    assert len(render(only("text"))) < 20_000
    assert len(page) < 3_000_000
    many = example.Plots([example.history(10_000)])
    assert len(render(Report("", [], [Section("", "a", [many])]))) < 2_300_000


def test_each_number_tells_its_value_and_its_source(page):
    assert b'<data value="0.7522" title="trial 3 of synth">0.7522</data>' in page
    assert b'<data value="12.25" title="study synth">12 s</data>' in page


def test_contents_headings_and_pictures_serve_who_cannot_see(page):
    found = Reader(page)
    anchors = {own.anchor for own in example.report().walk()}
    assert {link[1:] for link in found.links if link.startswith("#")} == {*anchors, "report"}
    labels = [own["aria-label"] for own in found.attributes if own.get("role") == "img"]
    assert len(labels) == 7
    assert all(labels)
    assert {"main", "nav", "header", "caption", "figcaption"} <= set(found.texts)


def test_in_a_browser(page, tmp_path):
    hostile = MARKUP[1]
    odd = example.Series(hostile, [hostile, "b"], [1.0, 2.0], "bar")
    level = [(hostile, 1.5)]
    plot = example.Plot(hostile, [odd], hostile, hostile, hostile, hostile, level)
    names = {
        "report": page,
        "broken": page.replace(b'id="plotly">H4sI', b'id="plotly">AAAA'),
        "hostile": render(Report(hostile, [], [Section("a", "a", [example.Plots([plot])])])),
    }
    for name, content in names.items():
        (tmp_path / f"{name}.html").write_bytes(content)
    with Browser(1400, 1000) as browser:
        browser.go((tmp_path / "report.html").as_uri())
        browser.until("document.body?.dataset.drawn === '7'")
        assert browser.run("document.querySelectorAll('.plot .cartesianlayer').length") == 7
        assert browser.run("document.querySelectorAll('.scatterlayer .point').length") > 200
        wide = "document.documentElement.scrollWidth <= innerWidth"
        assert browser.run(wide)
        browser.resize(380, 800)
        narrow = "[...document.querySelectorAll('.main-svg')].every((e) => e.clientWidth <= 380)"
        browser.until(f"{narrow} && document.documentElement.scrollWidth === 380")
        assert browser.run("document.querySelector('.wide').scrollWidth > 380"), "in its own box"
        browser.run("document.querySelector('td data').click()")
        told = "document.querySelector('.told').textContent"
        assert browser.run(told) == "0.0: trial 3 of synth"
        assert browser.run("performance.getEntriesByType('resource').length") == 0
        browser.go((tmp_path / "hostile.html").as_uri())
        browser.until("document.body?.dataset.drawn === '1'")
        legend = "document.querySelector('.legend').textContent"
        assert "<img src=x onerror=alert(1)>" in browser.run(legend)
        assert browser.run("document.querySelectorAll('img').length") == 0
        assert browser.complaints() == []
        browser.go((tmp_path / "broken.html").as_uri())
        browser.until("[...document.images].filter((e) => e.naturalWidth > 500).length === 7")
