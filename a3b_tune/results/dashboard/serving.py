"""From a storage to pages on a port: all parts put together, in front of them a server.

Knows no terminal and no signal; who may come in is decided by `rules` and `guard`.
"""

import logging
import socket
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from a3b_tune.errors import InputError
from a3b_tune.results.dashboard.answers import text
from a3b_tune.results.dashboard.artifacts import Artifacts
from a3b_tune.results.dashboard.front import Front
from a3b_tune.results.dashboard.guard import Guard
from a3b_tune.results.dashboard.headers import secured
from a3b_tune.results.dashboard.routes import Routes
from a3b_tune.results.dashboard.rules import Asked, check
from a3b_tune.results.dashboard.tls import TlsFront, server_context
from a3b_tune.results.dashboard.watching import Watched
from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.storage.opening import open_storage
from a3b_tune.storage.verbs import Storage
from a3b_tune.tuning.keeping import without_secrets

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 8
# An artifact that somebody uploads comes as one JSON text.
LARGEST_REQUEST = 2**26
CONNECTIONS = 500
# Seconds between two looks at whether to stop.
LOOK = 0.2
Tell = Callable[[str], None]


class Dashboard:
    """Pages on a port, served while `run` runs."""

    def __init__(self, asked: Asked, storage: str | None, tell: Tell = lambda told: None) -> None:
        """
        :param tell: is told, a line each, of wrong tokens and of what failed.
        :raises InputError: as `check`; the storage cannot be opened, the port is taken.
        """
        from waitress import create_server

        tokens = check(asked)
        context = _context(asked)
        reader = open_storage(storage)
        writer = None if asked.read_only else _writable(storage)
        told = _without_password(reader, tell)
        _log_to(told)
        self.storage = reader
        self._closing = ExitStack()
        listening = self._closing.enter_context(_listen(asked))
        self.port = listening.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://{_named(asked.host)}:{self.port}"
        watched = Watched(reader, writer)
        routes = Routes(_optuna_dashboard(watched, reader), watched)
        guard = Guard(Front(routes, told), tokens, asked.read_only, f"a3b-tune-{self.port}", told)
        app: WSGIApplication = secured(guard)
        served = listening
        if context is not None:
            served = self._closing.enter_context(_listen(Asked(port=0)))
            front = TlsFront(listening, context, served.getsockname()[:2])
            app = _by_peer(app, front)
            front.start()
            self._closing.callback(front.stop)
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app, self._sockets, sockets=[served], **_adjustments(asked, context is not None)
        )
        self._warm(watched, routes)

    def run(self, should_stop: Callable[[], object]) -> None:
        """Serves until it is to stop; then nothing of it is left."""
        from waitress import wasyncore

        try:
            while not should_stop():
                # The server's own loop cannot be ended from outside.
                wasyncore.loop(LOOK, use_poll=True, map=self._sockets, count=1)
        finally:
            self._server.task_dispatcher.shutdown()
            wasyncore.close_all(self._sockets, ignore_all=True)
            self._closing.close()

    def _warm(self, watched: Watched, routes: Routes) -> None:
        """The newest study is the one that will be looked at."""
        studies = watched.get_all_studies()
        if studies:
            routes.warm(studies[-1]._study_id)


def _context(asked: Asked) -> Any:  # noqa: ANN401
    if asked.tls_cert is None or asked.tls_key is None:
        return None
    return server_context(asked.tls_cert, asked.tls_key)


def _writable(storage: str | None) -> Storage:
    """The storage once more. One that can write waits for its turn among the workers even to read,
    so there is another one to read from."""
    try:
        return open_storage(storage, create=True)
    except InputError as error:
        raise InputError(f"{error}; to look only, add --read-only") from None


def _optuna_dashboard(watched: Watched, storage: Storage) -> "WSGIApplication":
    import optuna_dashboard

    app: Any = optuna_dashboard.wsgi(watched, Artifacts(artifact_folder(storage.url)))
    # What fails is told by who stands before it; else its traceback goes to stderr.
    app.catchall = False
    return app  # type: ignore[no-any-return]


def _adjustments(asked: Asked, tls: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "threads": THREADS,
        "ident": "",
        "connection_limit": CONNECTIONS,
        "max_request_body_size": LARGEST_REQUEST,
        "clear_untrusted_proxy_headers": True,
    }
    if tls:
        told["url_scheme"] = "https"
    if asked.behind_proxy:
        told |= {
            "trusted_proxy": "*",
            "trusted_proxy_count": 1,
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"},
        }
    return told


def _by_peer(app: "WSGIApplication", front: TlsFront) -> "WSGIApplication":
    """The application, told of who is at the other end of the TLS connection."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        peer = front.peer(int(environ.get("REMOTE_PORT") or 0))
        if peer is None:
            return text("403 Forbidden", "come in by the front").send(environ, start)
        environ["REMOTE_ADDR"] = environ["REMOTE_HOST"] = peer
        return app(environ, start)

    return answer


def _listen(asked: Asked) -> socket.socket:
    try:
        found = socket.getaddrinfo(asked.host, asked.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except socket.gaierror as error:
        raise InputError(f"--host {asked.host}: {error.strerror}") from None
    except OSError as error:
        what = "is taken; choose another --port" if error.errno == 98 else error.strerror
        raise InputError(f"--port {asked.port} on {asked.host}: {what}") from None


def _named(host: str) -> str:
    """The name to type for where it listens; of all addresses this machine's name."""
    name = socket.gethostname() if host in ("", "0.0.0.0", "::") else host
    return f"[{name}]" if ":" in name else name


def _without_password(storage: Storage, tell: Tell) -> Tell:
    """Tells without the storage's password, should an error ever hold it."""
    return lambda line: tell(without_secrets(line, storage.url))


def _log_to(tell: Tell) -> None:
    """What the parts log as an error is told in one line."""

    class Line(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(record.getMessage().partition("\n")[0])

    for name in ("optuna_dashboard", "waitress"):
        logger = logging.getLogger(name)
        logger.handlers = [Line(logging.ERROR)]
        logger.propagate = False
