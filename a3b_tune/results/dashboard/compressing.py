"""Answers made smaller, and not sent again to a browser that has them.

Knows no route and no study.
"""

import gzip
import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from a3b_tune.results.dashboard.answers import Answer

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

# Bytes below which nothing is gained.
SMALLEST = 1024
LEVEL = 6
KINDS = ("application/json", "text/csv", "text/html")
# Answers of which the small form is kept, and how large they are at least.
KEPT, LARGE = 8, 2**18


class Compressed:
    """Makes answers small; of large ones, which many pages ask for, it keeps the small form."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def __call__(self, environ: "WSGIEnvironment", answer: Answer) -> Answer:
        if not answer.status.startswith("200") or not answer.header("Content-Type").startswith(
            KINDS
        ):
            return answer
        name = hashlib.blake2b(answer.body, digest_size=16).hexdigest()
        answer = answer.with_headers(("ETag", f'W/"{name}"'), ("Vary", "Accept-Encoding"))
        if _has_it(environ, name):
            kept = [pair for pair in answer.headers if pair[0] != "Content-Type"]
            return Answer("304 Not Modified", tuple(kept))
        if len(answer.body) < SMALLEST or not _takes_gzip(environ):
            return answer
        small = Answer(answer.status, answer.headers, self._small(name, answer.body))
        return small.with_headers(("Content-Encoding", "gzip"))

    def _small(self, name: str, body: bytes) -> bytes:
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        small = gzip.compress(body, LEVEL, mtime=0)
        if len(body) >= LARGE:
            with self._lock:
                self._kept[name] = small
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return small


def _has_it(environ: "WSGIEnvironment", name: str) -> bool:
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return False
    named = environ.get("HTTP_IF_NONE_MATCH", "").split(",")
    return any(one.strip().removeprefix("W/").strip('"') == name for one in named)


def _takes_gzip(environ: "WSGIEnvironment") -> bool:
    for one in environ.get("HTTP_ACCEPT_ENCODING", "").split(","):
        coding, _, weight = one.strip().partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
