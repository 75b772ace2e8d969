"""How the tests visit the dashboard: as WSGI calls, and over real sockets."""

import http.client
import io
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

from optuna_dashboard import wsgi

from a3b_tune.results.dashboard.answers import Answer, whole
from a3b_tune.results.dashboard.artifacts import Artifacts
from a3b_tune.results.dashboard.front import Front
from a3b_tune.results.dashboard.guard import Guard
from a3b_tune.results.dashboard.headers import secured
from a3b_tune.results.dashboard.routes import Routes
from a3b_tune.results.dashboard.rules import Asked
from a3b_tune.results.dashboard.serving import Dashboard
from a3b_tune.results.dashboard.tokens import Tokens, read_tokens
from a3b_tune.results.dashboard.watching import Watched
from a3b_tune.storage.opening import open_storage

TOKEN = "correct-battery-staple"
VIEWER = "another-battery-staple"
AS_EDITOR = {"Authorization": f"Bearer {TOKEN}"}
AS_VIEWER = {"Authorization": f"Bearer {VIEWER}"}


def token_files(folder: Path) -> tuple[Path, Path]:
    files = folder / "token", folder / "viewer-token"
    for file, word in zip(files, (TOKEN, VIEWER), strict=True):
        file.write_text(f"{word}\n")
    return files


def tokens(folder: Path) -> Tokens:
    found = read_tokens(*token_files(folder))
    assert found is not None
    return found


@dataclass
class Site:
    """All of the dashboard but its server."""

    app: Any
    stock: Any
    guard: Guard
    told: list[str]

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | str = b"",
        **environ: str,
    ) -> Answer:
        """What a request is answered with. `path` is as a server hands it on: decoded."""
        return asked(self.app, method, path, headers, body, **environ)

    def json(self, path: str, headers: dict[str, str] | None = None) -> Any:
        answer = self.ask("GET", path, headers)
        assert answer.status == "200 OK", answer
        return json.loads(answer.body)


def site(url: str, tokens: Tokens | None = None, *, read_only: bool = False) -> Site:
    watched = Watched(open_storage(url), None if read_only else open_storage(url, create=True))
    stock = wsgi(watched, Artifacts(Path(url.removeprefix("sqlite:///")).parent / "artifacts"))
    stock.catchall = False
    told: list[str] = []
    guard = Guard(Front(Routes(stock, watched), told.append), tokens, read_only, tell=told.append)
    return Site(secured(guard), stock, guard, told)


def asked(
    app: Any,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes | str = b"",
    **environ: str,
) -> Answer:
    content = body.encode() if isinstance(body, str) else body
    path, _, query = path.partition("?")
    told: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:8080",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": io.StringIO(),
        **environ,
    }
    for name, value in (headers or {}).items():
        name = name.upper().replace("-", "_")
        told[name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"] = value
    setup_testing_defaults(told)
    return whole(app, told)


def as_json(body: object) -> dict[str, Any]:
    """The arguments of a request with a JSON body."""
    return {"headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


@contextmanager
def served(url: str, told: list[str] | None = None, **asked: Any) -> Iterator[Dashboard]:
    """The whole dashboard, on a port of its own."""
    told = [] if told is None else told
    dashboard = Dashboard(Asked(port=0, **asked), url, told.append)
    stopped = threading.Event()
    thread = threading.Thread(target=dashboard.run, args=(stopped.is_set,), daemon=True)
    thread.start()
    try:
        yield dashboard
    finally:
        stopped.set()
        thread.join(30.0)
        assert not thread.is_alive()


def visited(
    port: int,
    path: str,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    context: ssl.SSLContext | None = None,
    body: str | None = None,
) -> http.client.HTTPResponse:
    """A real answer, its body read: `answer.body`."""
    if context is None:
        connection = http.client.HTTPConnection("localhost", port, timeout=60.0)
    else:
        connection = http.client.HTTPSConnection("localhost", port, timeout=60.0, context=context)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        content = (body or "").encode()
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders(content)
        answer = connection.getresponse()
        answer.body = answer.read()  # type: ignore[attr-defined]
        return answer
    finally:
        connection.close()
