import re

import pytest

from tests.results.dashboard.visiting import AS_EDITOR

PATHS = [
    *("/login", "/healthz", "/dashboard", "/dashboard/studies/1", "/api/studies", "/api/meta"),
    *("/api/studies/1", "/static/bundle.js", "/favicon.ico", "/nowhere", "/csv/1", "/"),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, AS_EDITOR])
def test_every_answer_keeps_other_pages_out(locked, path, headers):
    answer = locked.ask("GET", path, headers)
    names = [name.lower() for name, _ in answer.headers]
    assert len(names) == len(set(names))
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Cross-Origin-Resource-Policy") == "same-origin"
    assert answer.header("Referrer-Policy") == "same-origin"
    assert answer.header("X-Frame-Options") == "DENY"
    assert "frame-ancestors 'none'" in answer.header("Content-Security-Policy")
    assert "server" not in names
    assert answer.header("Cache-Control") in ("no-store", "private, no-cache")


def test_scripts_come_from_here_alone(unlocked):
    policy = unlocked.ask("GET", "/dashboard").header("Content-Security-Policy")
    sources = re.search(r"script-src ([^;]*)", policy)
    assert sources is not None
    assert sources[1] == "'self' 'unsafe-eval'"
    assert "connect-src" not in policy
    assert "default-src 'self'" in policy


def test_an_artifact_is_no_page_of_ours_and_is_read_by_no_other(unlocked):
    answer = unlocked.ask("GET", "/artifacts/1/1/0-a")
    assert answer.header("Content-Security-Policy").startswith("sandbox; default-src 'none'")
    assert "allow-scripts" not in answer.header("Content-Security-Policy")
    assert answer.header("Access-Control-Allow-Origin") == ""


def test_under_tls_the_browser_comes_by_tls_again(locked):
    https = {"wsgi.url_scheme": "https", "HTTP_HOST": "studies.example.org"}
    assert "max-age" in locked.ask("GET", "/login", **https).header("Strict-Transport-Security")
    plain = locked.ask("GET", "/login", HTTP_HOST="studies.example.org")
    assert plain.header("Strict-Transport-Security") == ""


def test_what_is_said_of_studies_is_kept_nowhere(unlocked):
    assert unlocked.ask("GET", "/api/studies").header("Cache-Control") == "no-store"
    assert unlocked.ask("GET", "/api/meta").header("Cache-Control") == "no-store"
