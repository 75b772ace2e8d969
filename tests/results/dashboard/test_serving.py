import os
import socket
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.dashboard.attempts import PER_ADDRESS
from a3b_tune.results.dashboard.rules import Asked
from a3b_tune.results.dashboard.serving import Dashboard
from tests.postgres import PASSWORD, server
from tests.results import building
from tests.results.dashboard.visiting import AS_EDITOR, TOKEN, served, token_files, visited
from tests.storage.proxy import serving as proxy

# Requests that no client sends, and that a server may take for another one than the lock does.
ODD = [
    b"GET //api/studies HTTP/1.1",
    b"GET /%2e%2e/api/studies HTTP/1.1",
    b"GET /login/../api/studies HTTP/1.1",
    b"GET /%6c%6f%67%69%6e/%2e%2e/api/studies HTTP/1.1",
    b"GET /healthz%2f..%2fapi/studies HTTP/1.1",
    b"GET http://localhost/api/studies HTTP/1.1",
    b"GET /api/studies HTTP/1.0",
    b"GET /api/studies?x=/login HTTP/1.1",
    b"GET /static/bundle.js#/login HTTP/1.1",
    b"POST /api/studies HTTP/1.1\r\nX-HTTP-Method-Override: GET",
    b"get /api/studies HTTP/1.1",
    b"FOO /api/studies HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"GET /api/studies HTTP/1.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: localhost",
    b"GET /api/studies HTTP/1.1\r\nX_Forwarded_For: 127.0.0.1",
    b"GET \\api\\studies HTTP/1.1",
    b"GET /api/studies\0 HTTP/1.1",
    b"GET  HTTP/1.1",
    b"rubbish",
]


@pytest.fixture
def token(tmp_path):
    return token_files(tmp_path)[0]


def test_everybody_of_this_machine_is_let_in(mixed_url):
    with served(mixed_url) as dashboard:
        assert dashboard.url == f"http://127.0.0.1:{dashboard.port}"
        assert visited(dashboard.port, "/healthz").body == b"ok\n"
        assert visited(dashboard.port, "/api/studies/1").status == 200


@pytest.mark.parametrize("line", ODD)
def test_no_odd_request_passes_the_lock(mixed_url, token, line):
    host = b"\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with (
        served(mixed_url, token_file=token) as dashboard,
        closing(socket.create_connection(("localhost", dashboard.port), 60.0)) as client,
    ):
        client.sendall(line + host)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    status = answer.split(b" ", 2)[1]
    assert status in (b"400", b"401", b"303", b"501"), answer[:200]
    assert b"small" not in answer


def test_many_who_come_at_once_are_all_answered(mixed_url):
    with served(mixed_url) as dashboard, ThreadPoolExecutor(24) as people:
        paths = ["/api/studies/1", "/dashboard", "/static/bundle.js", "/api/meta"] * 12
        answers = list(people.map(lambda path: visited(dashboard.port, path).status, paths))
    assert answers == [200] * len(paths)


def test_a_file_that_is_too_large_is_refused(mixed_url):
    with served(mixed_url) as dashboard:
        answer = visited(dashboard.port, "/api/studies", {"Content-Length": str(2**30)}, "POST")
        assert answer.status == 413


def test_behind_a_proxy_each_person_is_one(mixed_url, token):
    """The address that the proxy tells is the one whose tries are counted."""
    wrong = {"Authorization": "Bearer wrong-wrong-wrong", "X-Forwarded-Proto": "https"}
    told: list[str] = []
    with served(mixed_url, told, token_file=token, behind_proxy=True) as dashboard:
        for _ in range(PER_ADDRESS):
            headers = {**wrong, "X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
            assert visited(dashboard.port, "/api/studies", headers).status == 401
        assert visited(dashboard.port, "/api/studies", headers).status == 429
        other = {**wrong, "X-Forwarded-For": "198.51.100.8"}
        assert visited(dashboard.port, "/api/studies", other).status == 401
        login = visited(
            dashboard.port,
            "/login",
            {
                "X-Forwarded-For": "198.51.100.8",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "studies.example.org",
                "Origin": "https://studies.example.org",
            },
            "POST",
            body=f"token={TOKEN}",
        )
    assert login.status == 303
    assert "Secure" in login.headers["Set-Cookie"]
    assert login.headers["Strict-Transport-Security"]
    assert told[-1] == "a wrong token from 198.51.100.8"


def test_without_one_nobody_is_believed(mixed_url, token):
    told: list[str] = []
    with served(mixed_url, told, token_file=token) as dashboard:
        wrong = {"Authorization": "Bearer wrong-wrong-wrong", "X-Forwarded-For": "198.51.100.7"}
        visited(dashboard.port, "/api/studies", wrong)
    assert told == ["a wrong token from 127.0.0.1"]


def test_a_port_that_is_taken_is_named(mixed_url):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"^--port {port} on 127.0.0.1: is taken"):
            Dashboard(Asked(port=port), mixed_url)


@pytest.mark.parametrize(
    ("url", "why"),
    [("sqlite:////nowhere/x.db", "does not exist"), ("sqlite:///none.db", "no such file")],
)
def test_a_storage_that_is_not_there_is_named_and_not_made(tmp_path, monkeypatch, url, why):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=why):
        Dashboard(Asked(), url)
    assert list(tmp_path.iterdir()) == []


def test_to_look_only_a_storage_need_not_be_written(mixed_url, tmp_path):
    file = tmp_path / "studies.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    before = file.read_bytes()
    with served(mixed_url, read_only=True) as dashboard:
        for path in ("/api/studies", "/api/studies/1", "/csv/1", "/dashboard"):
            assert visited(dashboard.port, path).status == 200
    assert file.read_bytes() == before


def test_a_file_that_cannot_be_written_is_one_to_look_at(mixed_url, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(InputError, match=r"cannot be written .*; to look only, add --read-only$"):
        Dashboard(Asked(), mixed_url)


def test_studies_behind_a_proxy_are_seen(url):
    building.told(url, building.MIXED)
    with proxy(url) as remote, served(remote) as dashboard:
        assert b'"small"' in visited(dashboard.port, "/api/studies/1").body


def test_a_database_that_goes_away_is_told_and_looked_for_again(capfd):
    """And its password is in nothing that anybody sees."""
    told: list[str] = []
    with server() as url:
        building.told(url, building.MIXED)
        running = served(url, told)
        dashboard = running.__enter__()
        answers = [visited(dashboard.port, path) for path in ("/api/studies/1", "/dashboard")]
        assert [answer.status for answer in answers] == [200, 200]
    answers += [
        visited(dashboard.port, path) for path in ("/api/studies/1", "/api/studies", "/csv/1")
    ]
    assert [answer.status for answer in answers[2:]] == [503] * 3
    running.__exit__(None, None, None)
    assert told
    seen = [*(answer.body.decode() for answer in answers), *told, *capfd.readouterr()]
    assert not any(PASSWORD in text for text in seen)
    assert not any("Traceback" in text for text in seen)


def test_who_has_the_token_is_let_in(mixed_url, token):
    with served(mixed_url, token_file=token) as dashboard:
        assert visited(dashboard.port, "/api/studies/1").status == 401
        assert visited(dashboard.port, "/api/studies/1", AS_EDITOR).status == 200
