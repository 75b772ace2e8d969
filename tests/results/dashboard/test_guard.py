import itertools
import json
import re
import sqlite3
from contextlib import closing
from urllib.parse import quote

import pytest

from a3b_tune.results.dashboard.attempts import PER_ADDRESS
from a3b_tune.results.dashboard.guard import HOME
from tests.results.dashboard.visiting import AS_EDITOR, AS_VIEWER, TOKEN, VIEWER, as_json, site

METHODS = (
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"),
    *("PROPFIND", "get", "POST ", "FOO", ""),
)
# Ways to write a path that a lock may take for another one than what is behind it.
TRICKS = (
    *("{}", "{}/", "{}//", "/{}", "//{}", "/.{}", "{}/.", "{}/..", "/x/..{}", "{}%00", "{}\x00"),
    *("{};x", "{}?login", "/login/..{}", "/healthz/..{}", "/login{}", "/healthz{}", "{}/login"),
    *("{}/healthz", "/LOGIN{}", "\\{}", "/%2e{}", "http://localhost{}", "{}#/login"),
)
FREE = {"/healthz", "/login"}
STRANGERS = [
    {},
    {"Authorization": "Bearer "},
    {"Authorization": "Bearer"},
    {"Authorization": "Basic " + TOKEN},
    {"Authorization": TOKEN},
    {"Cookie": "a3b-tune="},
    {"Cookie": f"a3b-tune={TOKEN}"},
    {"Cookie": "a3b-tune=x; a3b-tune=y"},
    {"Cookie": "\xff=;;=a3b-tune"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Http-Method-Override": "GET"},
]


def routes(found) -> list[tuple[str, str]]:
    """Each route of optuna-dashboard with its method, its places filled in."""
    filled = []
    for route in found.stock.routes:
        path = re.sub(r"<(study_id|trial_id)[^>]*>", "1", route.rule)
        path = path.replace("<:re:(/.*)?>", "/studies/1").replace("<filename:path>", "bundle.js")
        path = re.sub(r"<artifact_id[^>]*>", "0-a", path)
        path = path.replace("<plot_type>", "edf").replace("<history_id>", "x")
        assert "<" not in path, path
        filled.append((route.method, path))
    return filled


def test_all_routes_are_known_here(locked):
    found = routes(locked)
    assert len(found) >= 30
    assert {method for method, _ in found} == {"GET", "POST", "PUT", "DELETE"}


def test_no_route_answers_without_login(locked):
    """Each route, by each method, written in each way: nothing passes the lock."""
    passed = []
    locked.guard.app = lambda environ, start: passed.append(environ) or []
    paths = {path for _, path in routes(locked)} | {"/", "", "/api", "/logout", "/../etc/passwd"}
    tried = 0
    for method, path, trick in itertools.product(METHODS, sorted(paths), TRICKS):
        written = trick.format(path)
        if written.partition("?")[0] in FREE:
            continue
        answer = locked.ask(method, written)
        tried += 1
        assert answer.status[:3] in ("401", "303", "405"), (method, written, answer)
        assert answer.status[:3] != "303" or answer.header("Location").startswith("/login?")
    assert tried > 10_000
    assert not passed


@pytest.mark.parametrize("headers", STRANGERS)
def test_no_route_answers_who_shows_something_else(locked, headers):
    passed = []
    locked.guard.app = lambda environ, start: passed.append(environ) or []
    for method, path in routes(locked):
        # A word that is no token counts as a try, and tries are few.
        locked.guard.attempts.succeeded("127.0.0.1")
        assert locked.ask(method, path, headers).status[:3] in ("401", "429")
    assert not passed


def test_every_route_lets_in_who_has_the_token(locked):
    for method, path in routes(locked):
        answer = locked.ask(method, path, AS_EDITOR)
        assert answer.status[:3] not in ("401", "403", "429"), (method, path, answer)


def test_a_viewer_changes_nothing(locked, mixed_url):
    """Every route that writes answers 403; every one that reads leaves the storage as it was."""
    before = contents(mixed_url)
    for method, path in routes(locked):
        for body in ({}, as_json({"study_name": "x", "directions": ["minimize"], "version": 1})):
            headers = {**AS_VIEWER, **body.get("headers", {})}
            answer = locked.ask(method, path, headers, body.get("body", b""))
            assert (answer.status[:3] == "403") == (method != "GET"), (method, path, answer)
    for method in METHODS:
        if method not in ("GET", "HEAD", "OPTIONS"):
            assert locked.ask(method, "/api/studies/1", AS_VIEWER).status[:3] == "403"
    assert contents(mixed_url) == before


def test_read_only_holds_for_everybody(mixed_url):
    found = site(mixed_url, read_only=True)
    before = contents(mixed_url)
    for method, path in routes(found):
        answer = found.ask(method, path)
        assert (answer.status[:3] == "403") == (method != "GET"), (method, path, answer)
    assert contents(mixed_url) == before


def contents(url: str) -> list[str]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        return list(database.iterdump())


def login(found, word: str, place: str = "", **environ: str):
    return found.ask("POST", "/login", body=f"token={word}&next={place}", **environ)


def cookie(answer) -> dict[str, str]:
    return {"Cookie": answer.header("Set-Cookie").partition(";")[0]}


def test_login_gives_a_cookie_that_holds_no_token(locked):
    answer = login(locked, TOKEN)
    assert (answer.status[:3], answer.header("Location")) == ("303", HOME)
    told = answer.header("Set-Cookie")
    assert TOKEN not in told
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(told.split("; "))
    assert "Secure" not in told
    assert locked.ask("GET", "/api/studies", cookie(answer)).status == "200 OK"


def test_under_tls_the_cookie_never_travels_in_clear(locked):
    https = {"wsgi.url_scheme": "https"}
    answer = login(locked, TOKEN, **https)
    told = answer.header("Set-Cookie")
    assert told.startswith("__Host-")
    assert "Secure" in told.split("; ")
    assert locked.ask("GET", "/api/studies", cookie(answer), **https).status == "200 OK"
    assert locked.ask("GET", "/api/studies", cookie(answer)).status[:3] == "401"


def test_a_logout_ends_the_login_for_good(locked):
    known = cookie(login(locked, TOKEN))
    assert locked.ask("GET", "/logout", known).status[:3] == "405"
    answer = locked.ask("POST", "/logout", known)
    assert (answer.status[:3], answer.header("Location")) == ("303", "/login")
    assert "Max-Age=0" in answer.header("Set-Cookie")
    assert locked.ask("GET", "/api/studies", known).status[:3] == "401"


def test_a_login_ends_by_itself(locked):
    known = cookie(login(locked, TOKEN))
    locked.guard.sessions._clock = lambda: 10**9
    assert locked.ask("GET", "/api/studies", known).status[:3] == "401"


def test_wrong_tokens_are_few_and_told_of_without_the_token(locked):
    for _ in range(PER_ADDRESS):
        answer = login(locked, "guess-guess-guess")
        assert answer.status[:3] == "403"
        assert b"not the token" in answer.body
    answer = login(locked, TOKEN)
    assert answer.status[:3] == "429"
    assert 0 < int(answer.header("Retry-After")) <= 60
    bearer = locked.ask("GET", "/api/studies", AS_EDITOR)
    assert (bearer.status[:3], bool(bearer.header("Retry-After"))) == ("429", True)
    assert login(locked, TOKEN, REMOTE_ADDR="192.0.2.1").status[:3] == "303"
    assert locked.told == ["a wrong token from 127.0.0.1"] * PER_ADDRESS


def test_who_is_logged_in_is_not_locked_out_by_others(locked):
    known = cookie(login(locked, TOKEN))
    for _ in range(PER_ADDRESS + 1):
        login(locked, "guess-guess-guess")
    assert locked.ask("GET", "/api/studies", known).status == "200 OK"


@pytest.mark.parametrize("word", ["", "%00", "%ff%fe", "x" * 10_000, "%26token%3D" + TOKEN])
def test_any_other_word_is_wrong(locked, word):
    assert login(locked, word).status[:3] == "403"


def test_a_page_leads_to_the_login_and_back(locked):
    page = {"Accept": "text/html,*/*"}
    answer = locked.ask("GET", "/dashboard/studies/1/trials?numbers=7", page)
    place = "/login?next=/dashboard/studies/1/trials%3Fnumbers%3D7"
    assert (answer.status[:3], answer.header("Location")) == ("303", place)
    form = locked.ask("GET", place, page)
    assert b'value="/dashboard/studies/1/trials?numbers=7"' in form.body
    entered = login(locked, TOKEN, "/dashboard/studies/1/trials%3Fnumbers%3D7")
    assert entered.header("Location") == "/dashboard/studies/1/trials?numbers=7"
    again = locked.ask("GET", place, {**page, **cookie(entered)})
    assert again.header("Location") == "/dashboard/studies/1/trials?numbers=7"


@pytest.mark.parametrize(
    "place",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "/dashboard//evil.example"),
        *("/dashboard/../logout", "/dashboardx", "javascript:alert(1)", "/dashboard/%0d%0aX: y"),
        *('/dashboard"><script>', "/dashboard/\r\nSet-Cookie: a=b", "/dashboard/@evil", ""),
    ],
)
def test_a_login_leads_to_a_page_of_the_dashboard_alone(locked, place):
    assert login(locked, TOKEN, quote(place)).header("Location") == HOME
    form = locked.ask("GET", f"/login?next={quote(place)}")
    assert f'value="{HOME}"'.encode() in form.body


def test_a_link_of_another_site_is_followed_by_who_is_logged_in(locked):
    """The browser holds the cookie back then; the page that is answered asks once more."""
    answer = locked.ask("GET", "/login?next=/dashboard", {"Sec-Fetch-Site": "cross-site"})
    assert answer.status == "200 OK"
    assert b'content="0; url=/dashboard"' in answer.body


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:8081"},
    {"Origin": "http://localhost:8080.evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8080"},
    {"Origin": "http://[evil"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_pages_of_other_sites_change_nothing(unlocked, locked, headers):
    for method, path in routes(unlocked):
        if method != "GET":
            assert unlocked.ask(method, path, headers).status[:3] == "403", (method, path)
    assert locked.ask("POST", "/login", headers, f"token={TOKEN}").status[:3] == "403"
    assert locked.ask("POST", "/logout", headers).status[:3] == "403"


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost:8080"}]
)
def test_own_pages_and_programs_change_what_they_may(unlocked, headers):
    told = as_json({"study_name": "mine", "directions": ["minimize"]})
    answer = unlocked.ask("POST", "/api/studies", {**told["headers"], **headers}, told["body"])
    assert answer.status[:3] == "201"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "192.0.2.1", "localhost.evil.example", "", "::"]
)
def test_a_foreign_name_that_points_here_gets_nothing(unlocked, host):
    for method, path in [*routes(unlocked), ("GET", "/login"), ("POST", "/login")]:
        assert unlocked.ask(method, path, HTTP_HOST=host).status[:3] in ("421", "405")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080"])
def test_this_machine_has_several_names(unlocked, host):
    assert unlocked.ask("GET", "/api/studies", HTTP_HOST=host).status == "200 OK"


def test_whether_it_lives_everybody_may_ask_and_learns_no_more(locked):
    answer = locked.ask("GET", "/healthz", HTTP_HOST="anything")
    assert (answer.status, answer.body) == ("200 OK", b"ok\n")
    assert locked.ask("POST", "/healthz").status[:3] == "405"


def test_a_viewer_is_let_in_by_a_token_of_its_own(locked):
    known = cookie(login(locked, VIEWER))
    assert locked.ask("GET", "/api/studies", known).status == "200 OK"
    answer = locked.ask("DELETE", "/api/studies/1", known)
    assert answer.status[:3] == "403"
    assert "read-only" in json.loads(answer.body)["reason"]
