"""An answer that is made here, and the types of WSGI. Knows no route."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answer:
    """A whole answer: `200 OK`, its headers without the length, its body."""

    status: str
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """A header's value, empty where there is none."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if found else ""

    def with_headers(self, *added: tuple[str, str]) -> "Answer":
        """The same with these headers, each instead of one of its name."""
        names = {name.lower() for name, _ in added}
        kept = [pair for pair in self.headers if pair[0].lower() not in names]
        return replace(self, headers=(*kept, *added))

    def send(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        bodiless = self.status.startswith(("204", "304"))
        length = () if bodiless else (("Content-Length", str(len(self.body))),)
        start(self.status, [*self.headers, *length])
        return [] if bodiless or environ["REQUEST_METHOD"] == "HEAD" else [self.body]


def text(status: str, told: str, *headers: tuple[str, str]) -> Answer:
    kind = ("Content-Type", "text/plain; charset=utf-8")
    return Answer(status, (kind, *headers), f"{told}\n".encode())


def page(status: str, html: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, (("Content-Type", "text/html; charset=utf-8"), *headers), html.encode())


def reason(status: str, told: str, *headers: tuple[str, str]) -> Answer:
    """A refusal as optuna-dashboard words its own, so that its pages show why."""
    body = json.dumps({"reason": told}).encode()
    return Answer(status, (("Content-Type", "application/json"), *headers), body)


def redirect(place: str, *headers: tuple[str, str]) -> Answer:
    return Answer("303 See Other", (("Location", place), *headers))


def whole(app: "WSGIApplication", environ: "WSGIEnvironment") -> Answer:
    """What an application answers, all of it in memory."""
    told: list[tuple[str, Headers]] = []
    written: list[bytes] = []

    def start(status: str, headers: list[tuple[str, str]], _error: Any = None, /) -> Any:  # noqa: ANN401
        told.append((status, tuple(headers)))
        return written.append

    parts = app(environ, start)
    try:
        body = b"".join([*written, *parts])
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = told[-1]
    kept = tuple(pair for pair in headers if pair[0].lower() != "content-length")
    return Answer(status, kept, body)
