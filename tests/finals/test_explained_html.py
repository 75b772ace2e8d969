"""A page that needs nothing else and obeys nothing that stands in a text."""

from html.parser import HTMLParser

import pytest

from a3b_tune.finals.answers import Answer, Why
from a3b_tune.finals.explained_html import END, article, begin
from a3b_tune.finals.explaining import leading, words_of

EVIL = '<script>alert("1")</script>'


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.values: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.values += [value or "" for _, value in attrs]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def answer(kind="contribution", **changed) -> Answer:
    why = Why(kind, [2.0, -1.0, 0.5], 0.25, f"b{EVIL}")
    own = {
        "text": EVIL,
        "words": [EVIL, "not", "not good"],
        "unknown": [True, False, False],
        "left_out": 7,
        "probabilities": {f"a{EVIL}": 0.75, f"b{EVIL}": 0.25},
        "why": why,
    }
    return Answer(**{**own, **changed})


@pytest.mark.parametrize("kind", ["contribution", "attention"])
def test_a_page_is_whole_escaped_and_asks_for_nothing(kind):
    empty = answer(words=[], unknown=[], why=Why(kind, [1.0], None, None))
    page = begin(EVIL, kind) + article(answer(kind)) + article(empty) + END
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert "http" not in page.replace("http-equiv", "")
    assert not any(value.startswith(("http", "//", "javascript")) for value in tags.values)
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "no words" in page


def test_words_are_as_strong_as_their_weights():
    words = words_of(answer())
    assert [own.strength for own in words] == [1.0, -0.5, 0.25]
    assert [own.pair for own in words] == [False, False, True]
    assert '"against" style="--a:0.40"' in article(answer())
    assert words_of(answer(why=Why("attention", [0.0] * 3, None, None)))[0].strength == 0.0


def test_a_word_that_stands_twice_leads_with_both():
    twice = answer(words=["old", "bad", "old"], unknown=[False] * 3)
    assert leading(words_of(twice), 5) == ([("old", 2.5)], [("bad", -1.0)])
