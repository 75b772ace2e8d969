import gzip

import pytest

from a3b_tune.results.dashboard.answers import Answer
from a3b_tune.results.dashboard.compressing import KEPT, LARGE, SMALLEST, Compressed

JSON = (("Content-Type", "application/json"),)
TAKES = {"REQUEST_METHOD": "GET", "HTTP_ACCEPT_ENCODING": "br;q=1, gzip"}
LONG = b"[" + b"1, " * SMALLEST + b"1]"


def test_what_was_made_small_is_the_same():
    answer = Compressed()(TAKES, Answer("200 OK", JSON, LONG))
    assert answer.header("Content-Encoding") == "gzip"
    assert answer.header("Vary") == "Accept-Encoding"
    assert gzip.decompress(answer.body) == LONG
    assert len(answer.body) < len(LONG) / 10


@pytest.mark.parametrize(
    "accepted", ["", "identity", "br", "gzip;q=0", "gzip ; q=0.0", "x-gzipped"]
)
def test_who_does_not_take_it_gets_it_as_it_is(accepted):
    environ = {"REQUEST_METHOD": "GET", "HTTP_ACCEPT_ENCODING": accepted}
    assert Compressed()(environ, Answer("200 OK", JSON, LONG)).body == LONG


@pytest.mark.parametrize(
    "answer",
    [
        Answer("200 OK", JSON, b"[]"),
        Answer("200 OK", (("Content-Type", "image/png"),), LONG),
        Answer("404 Not Found", JSON, LONG),
    ],
)
def test_what_would_not_gain_is_left_as_it_is(answer):
    assert Compressed()(TAKES, answer).body == answer.body


def test_a_browser_that_has_it_is_told_so():
    compressed = Compressed()
    first = compressed(TAKES, Answer("200 OK", JSON, LONG))
    again = {**TAKES, "HTTP_IF_NONE_MATCH": f'"x", {first.header("ETag")}'}
    second = compressed(again, Answer("200 OK", JSON, LONG))
    assert (second.status, second.body) == ("304 Not Modified", b"")
    assert second.header("ETag") == first.header("ETag")
    changed = compressed(again, Answer("200 OK", JSON, LONG + b" "))
    assert changed.status == "200 OK"
    assert changed.header("ETag") != first.header("ETag")


def test_the_small_form_of_large_answers_is_kept_for_a_few():
    compressed = Compressed()
    for number in range(3 * KEPT):
        compressed(TAKES, Answer("200 OK", JSON, str(number).encode() * LARGE))
        compressed(TAKES, Answer("200 OK", JSON, LONG))
    assert len(compressed._kept) == KEPT
