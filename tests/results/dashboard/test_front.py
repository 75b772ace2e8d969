import logging

import pytest
import sqlalchemy

from a3b_tune.results.dashboard.front import Front
from tests.results.dashboard.visiting import asked, site


def failing(error):
    def app(environ, start):
        raise error

    return app


@pytest.mark.parametrize(
    "path", ["/api/studies/1", "/dashboard", "/artifacts/1/1/0-a", "/static/x"]
)
def test_an_error_is_told_here_and_not_there(path):
    told = []
    answer = asked(Front(failing(ValueError("inner secret")), told.append), "GET", path)
    assert answer.status[:3] == "500"
    assert b"inner" not in answer.body
    assert b"Traceback" not in answer.body
    assert told == [f"GET {path!r} failed: ValueError: inner secret"]


def test_a_storage_that_is_gone_is_one_that_may_come_back():
    gone = sqlalchemy.exc.OperationalError("SELECT", {}, Exception("connection refused"))
    gone.orig.sqlstate = "08006"
    answer = asked(Front(failing(gone), lambda line: None), "GET", "/api/studies/1")
    assert answer.status[:3] == "503"


def test_a_path_cannot_write_lines_of_its_own():
    told = []
    asked(Front(failing(ValueError("x")), told.append), "GET", "/a\nfake: line\x1b[2J")
    (line,) = told
    assert line.isprintable()


@pytest.mark.parametrize("path", ["/static/bundle.js", "/favicon.ico"])
@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "br"}])
def test_files_are_sent_whatever_is_accepted(unlocked, path, headers):
    answer = unlocked.ask("GET", path, headers)
    assert answer.status == "200 OK"
    assert (answer.header("Content-Encoding") == "gzip") == (
        "gzip" in headers.values() and path.endswith(".js")
    )
    assert len(answer.body) > 1000


@pytest.mark.parametrize("path", ["/nowhere", "/api/nowhere", "/static/../../etc/passwd", "/.env"])
def test_what_is_not_there_is_told_in_two_words(unlocked, path):
    answer = unlocked.ask("GET", path)
    assert answer.status[:3] in ("404", "403")
    assert len(answer.body) < 200
    assert path.encode() not in answer.body or path.startswith("/static")


def test_the_page_is_the_readers_own(unlocked, mixed_url):
    assert b"read-only" not in unlocked.ask("GET", "/dashboard").body
    assert b"read-only" in site(mixed_url, read_only=True).ask("GET", "/dashboard/studies/1").body
    asks = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT", "Range": "bytes=0-9"}
    answer = unlocked.ask("GET", "/dashboard", asks)
    assert answer.status == "200 OK"
    assert b"</html>" in answer.body


def test_nothing_is_logged(unlocked, caplog):
    caplog.set_level(logging.DEBUG)
    unlocked.ask("GET", "/api/studies/1")
    assert caplog.records == []
