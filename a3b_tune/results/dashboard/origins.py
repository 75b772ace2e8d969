"""Where a request comes from: this machine's own names, and the dashboard's own pages.

A page of another site that is open in the same browser can send requests to the dashboard too, also
under a name of its own that it lets point here. Knows no login.
"""

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    if host.rstrip(".").lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def asked_host(environ: "WSGIEnvironment") -> str:
    """The name under which the request came, without its port."""
    try:
        return urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
    except ValueError:
        return ""


def is_from_own_page(environ: "WSGIEnvironment") -> bool:
    """Whether a request was not sent by a page of another site. Programs say nothing and pass: they
    have no cookie that another could use."""
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site in ("same-origin", "none")
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == str(environ.get("HTTP_HOST", "")).lower()
    except ValueError:
        return False
