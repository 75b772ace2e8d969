"""The lock: what comes in is let through, asked for a token, or refused.

Nothing behind it is reached by anybody else: it answers the login and `/healthz` itself and passes
a request on only for somebody whose role it knows. Knows no page behind it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from a3b_tune.results.dashboard import pages
from a3b_tune.results.dashboard.answers import Answer, reason, redirect, text
from a3b_tune.results.dashboard.attempts import Attempts
from a3b_tune.results.dashboard.origins import asked_host, is_from_own_page, is_loopback
from a3b_tune.results.dashboard.sessions import LONGEST, Sessions
from a3b_tune.results.dashboard.tokens import Role, Tokens

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

READING = ("GET", "HEAD", "OPTIONS")
HOME = "/dashboard"
# Where a login may lead to: a page of this dashboard, written so that it can be nothing else.
PLACE = re.compile(r"/dashboard(?:/[A-Za-z0-9]+)*(?:\?[A-Za-z0-9_=&,.-]*)?")
LARGEST_FORM = 4096
# What the guard tells those behind it.
ROLE, LOGGED_IN = "a3b.role", "a3b.logged_in"


@dataclass
class Guard:
    """Stands before an application.

    :param tokens: who may come in; None: everybody on this machine.
    :param read_only: nobody changes anything.
    :param cookie: the name of the login's cookie, another one for each dashboard on a host.
    :param tell: is told of wrong tokens.
    """

    app: "WSGIApplication"
    tokens: Tokens | None
    read_only: bool = False
    cookie: str = "a3b-tune"
    tell: Callable[[str], None] = lambda told: None
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        answer = self._answer(environ)
        return self.app(environ, start) if answer is None else answer.send(environ, start)

    def _answer(self, environ: "WSGIEnvironment") -> Answer | None:
        """An answer, or None for a request that may pass."""
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        if path == "/healthz":
            return text("200 OK", "ok") if method in READING else _not_allowed("GET, HEAD")
        if self.tokens is None and not is_loopback(asked_host(environ)):
            return text("421 Misdirected Request", "this dashboard is for this machine alone")
        if method not in READING and not is_from_own_page(environ):
            return reason("403 Forbidden", "sent by a page of another site")
        if path == "/login":
            return self._login(environ)
        role = self._role(environ)
        if isinstance(role, Answer):
            return role
        if path == "/logout":
            return self._logout(environ)
        if role is Role.VIEWER or self.read_only:
            role = Role.VIEWER
            if method not in READING:
                return reason("403 Forbidden", "read-only: nothing can be changed here")
        environ[ROLE] = role
        environ[LOGGED_IN] = self.tokens is not None
        return None

    def _role(self, environ: "WSGIEnvironment") -> Role | Answer:
        """Who asks, or what is answered to somebody who is not known."""
        if self.tokens is None:
            return Role.EDITOR
        scheme, _, word = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() == "bearer":
            tried = self._try(environ, word.strip())
            if isinstance(tried, Role):
                return tried
            if tried:
                return _too_many(tried, reason)
        elif (role := self.sessions.role(self._session(environ))) is not None:
            return role
        if environ["REQUEST_METHOD"] == "GET" and "text/html" in environ.get("HTTP_ACCEPT", ""):
            return redirect(f"/login?next={quote(_place(environ), safe='/')}")
        told = "you are not logged in; load the page again"
        return reason("401 Unauthorized", told, ("WWW-Authenticate", "Bearer"))

    def _login(self, environ: "WSGIEnvironment") -> Answer:
        method = environ["REQUEST_METHOD"]
        if method not in ("GET", "HEAD", "POST"):
            return _not_allowed("GET, HEAD, POST")
        if self.tokens is None:
            return redirect(HOME)
        if method == "POST":
            return self._enter(environ)
        place = _checked(_first(environ.get("QUERY_STRING", ""), "next"))
        if environ.get("HTTP_SEC_FETCH_SITE") == "cross-site":
            return pages.once_more(place)
        if self.sessions.role(self._session(environ)) is not None:
            return redirect(place)
        return pages.login_page(place)

    def _enter(self, environ: "WSGIEnvironment") -> Answer:
        form = _form(environ)
        place = _checked(_first(form, "next"))
        tried = self._try(environ, _first(form, "token").strip())
        if isinstance(tried, Role):
            name = self.sessions.begin(tried)
            return redirect(place, self._set_cookie(environ, name, int(LONGEST)))
        if tried:
            return _too_many(
                tried, lambda status, told, *more: pages.login_page(place, status, told)
            )
        return pages.login_page(place, "403 Forbidden", "That is not the token.")

    def _try(self, environ: "WSGIEnvironment", word: str) -> Role | float:
        """Whose token this is, or the seconds to wait before another one is looked at; 0 where it
        was looked at and is wrong."""
        assert self.tokens is not None
        address = str(environ.get("REMOTE_ADDR", ""))
        if wait := self.attempts.begin(address):
            return wait
        role = self.tokens.role(word)
        if role is None:
            self.tell(f"a wrong token from {address}")
            return 0.0
        self.attempts.succeeded(address)
        return role

    def _logout(self, environ: "WSGIEnvironment") -> Answer:
        if environ["REQUEST_METHOD"] != "POST":
            return _not_allowed("POST")
        self.sessions.end(self._session(environ))
        forget = ("Clear-Site-Data", '"cache"')
        return redirect("/login", self._set_cookie(environ, "", 0), forget)

    def _session(self, environ: "WSGIEnvironment") -> str:
        wanted = self._cookie_name(environ)
        for pair in environ.get("HTTP_COOKIE", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted:
                return str(value)
        return ""

    def _set_cookie(self, environ: "WSGIEnvironment", value: str, age: int) -> tuple[str, str]:
        secure = "; Secure" if environ["wsgi.url_scheme"] == "https" else ""
        named = f"{self._cookie_name(environ)}={value}"
        return "Set-Cookie", f"{named}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"

    def _cookie_name(self, environ: "WSGIEnvironment") -> str:
        """Under TLS a name that browsers take from the host itself alone."""
        return f"__Host-{self.cookie}" if environ["wsgi.url_scheme"] == "https" else self.cookie


def _place(environ: "WSGIEnvironment") -> str:
    query = environ.get("QUERY_STRING", "")
    return _checked(environ.get("PATH_INFO", "") + (f"?{query}" if query else ""))


def _checked(place: str) -> str:
    return place if PLACE.fullmatch(place) else HOME


def _form(environ: "WSGIEnvironment") -> str:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return ""
    if not 0 < length <= LARGEST_FORM:
        return ""
    return str(environ["wsgi.input"].read(length).decode("ascii", "replace"))


def _first(query: str, name: str) -> str:
    try:
        return parse_qs(query, max_num_fields=8).get(name, [""])[0]
    except ValueError:
        return ""


def _not_allowed(methods: str) -> Answer:
    return text("405 Method Not Allowed", "not allowed", ("Allow", methods))


def _too_many(seconds: float, refusal: Callable[..., Answer]) -> Answer:
    wait = ceil(seconds)
    told = f"Too many wrong tokens; try again in {wait} s."
    return refusal("429 Too Many Requests", told).with_headers(("Retry-After", str(wait)))
