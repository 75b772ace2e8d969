"""What every answer of the pages goes through: made small, completed, told well when it failed.

What went wrong is told in one line to whoever started the dashboard, and not at all to who asked.
Knows no route.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from a3b_tune.results.dashboard.answers import Answer, reason, text, whole
from a3b_tune.results.dashboard.compressing import Compressed
from a3b_tune.results.dashboard.guard import LOGGED_IN, ROLE
from a3b_tune.results.dashboard.pages import corner
from a3b_tune.results.dashboard.tokens import Role
from a3b_tune.storage.patience import cause, passes

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# What optuna-dashboard says of its page as of a file, which it is not any more: it depends on who
# asks, and has rules of ours.
FILES_OWN = ("etag", "last-modified", "accept-ranges", "content-security-policy")
ASKS_FOR_FILE = ("HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")
# Sent piece by piece, and small already.
FILES = ("/static/", "/artifacts/", "/favicon.ico")


class Front:
    """Stands between the lock and the pages.

    :param tell: is told what failed.
    """

    def __init__(self, app: "WSGIApplication", tell: Callable[[str], None]) -> None:
        self._app = app
        self._tell = tell
        self._compressed = Compressed()

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        # optuna-dashboard fails on a request that does not say what it accepts.
        environ.setdefault("HTTP_ACCEPT_ENCODING", "")
        try:
            if environ.get("PATH_INFO", "").startswith(FILES):
                return self._file(environ, start)
            for name in ASKS_FOR_FILE:
                environ.pop(name, None)
            answer = self._finished(environ, whole(self._app, environ))
        except Exception as error:  # noqa: BLE001
            answer = self._failed(environ, error)
        return answer.send(environ, start)

    def _file(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def begin(status: str, headers: list[tuple[str, str]], _error: Any = None, /) -> Any:  # noqa: ANN401
            told.append((status, headers))

        parts = self._app(environ, begin)
        status, headers = told[-1]
        if status[0] in "45":
            if hasattr(parts, "close"):
                parts.close()
            return _in_words(status).send(environ, start)
        start(status, headers)
        return parts

    def _finished(self, environ: "WSGIEnvironment", answer: Answer) -> Answer:
        html = answer.header("Content-Type").startswith("text/html")
        if html and answer.status[0] in "45":
            return _in_words(answer.status)
        if html and environ.get("PATH_INFO", "").startswith("/dashboard"):
            viewer, known = environ.get(ROLE) is Role.VIEWER, environ.get(LOGGED_IN, False)
            body = corner(answer.body, read_only=viewer, logged_in=known)
            kept = [pair for pair in answer.headers if pair[0].lower() not in FILES_OWN]
            answer = Answer(answer.status, tuple(kept), body)
        return self._compressed(environ, answer)

    def _failed(self, environ: "WSGIEnvironment", error: Exception) -> Answer:
        asked = f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')!r}"
        self._tell(f"{asked} failed: {type(error).__name__}: {cause(error)}")
        if passes(error):
            return reason(
                "503 Service Unavailable", "the storage does not answer; it is tried again"
            )
        return reason(
            "500 Internal Server Error", "this failed; whoever runs the dashboard sees why"
        )


def _in_words(status: str) -> Answer:
    """An error without the page that optuna-dashboard's framework makes of one."""
    return text(status, status[4:].lower())
