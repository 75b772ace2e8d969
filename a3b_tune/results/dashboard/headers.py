"""What each answer says to the browser about itself, so that no other page gets at it.

Knows no login.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from a3b_tune.results.dashboard.origins import asked_host, is_loopback

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# What optuna-dashboard's pages need: its plots compile code and draw in workers made of blobs.
PAGES = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
# An artifact may be a page that somebody made: it is shown, its scripts are not run.
ARTIFACTS = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; " + (
    "style-src 'unsafe-inline'; frame-ancestors 'self'"
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
DROPPED = ("server", "access-control-allow-origin")
# Files that are looked at again before they are used again; all else is kept nowhere.
KEPT = ("/static/", "/artifacts/", "/favicon.ico")
# Short: it holds for all ports of a host name.
ONLY_TLS = "max-age=86400"


def secured(app: "WSGIApplication") -> "WSGIApplication":
    """The application with these headers on all its answers."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], error: Any = None, /) -> Any:  # noqa: ANN401
            return start(status, _completed(environ, headers), error)

        return app(environ, begin)

    return answer


def _completed(environ: "WSGIEnvironment", headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    path: str = environ.get("PATH_INFO", "")
    added = dict(ALWAYS)
    if path.startswith("/artifacts/"):
        added["Content-Security-Policy"] = ARTIFACTS
    else:
        added["X-Frame-Options"] = "DENY"
    kept = [pair for pair in headers if pair[0].lower() not in DROPPED]
    names = {name.lower() for name, _ in kept}
    if "content-security-policy" not in names:
        added.setdefault("Content-Security-Policy", PAGES)
    if "cache-control" not in names:
        cached = path.startswith(KEPT) and "location" not in names
        added["Cache-Control"] = "private, no-cache" if cached else "no-store"
    if environ["wsgi.url_scheme"] == "https" and not is_loopback(asked_host(environ)):
        added["Strict-Transport-Security"] = ONLY_TLS
    replaced = {name.lower() for name in added}
    return [*(pair for pair in kept if pair[0].lower() not in replaced), *added.items()]
