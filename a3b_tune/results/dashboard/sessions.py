"""Who is logged in: a random name for each login, known to one browser and, as a digest, here.

Kept in memory: whoever starts the dashboard again logs in again. Knows no token and no cookie.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from a3b_tune.results.dashboard.tokens import Role

HOUR = 3600.0
# A login ends when it was not used for so long, and at the latest so long after it began.
IDLE, LONGEST = 12 * HOUR, 7 * 24 * HOUR
# More than people have browsers: the one that was used least recently gives way.
MOST = 1000


@dataclass
class Session:
    role: Role
    began: float
    used: float

    def has_ended(self, now: float) -> bool:
        return now - self.used > IDLE or now - self.began > LONGEST


class Sessions:
    """All logins. May be used by many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[bytes, Session] = {}

    def begin(self, role: Role) -> str:
        """A new login: its name."""
        name = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._forget(now)
            self._open[_digest(name)] = Session(role, now, now)
        return name

    def role(self, name: str) -> Role | None:
        """What this login allows; None where there is none such, or it has ended."""
        now = self._clock()
        with self._lock:
            session = self._open.get(_digest(name))
            if session is None:
                return None
            if session.has_ended(now):
                del self._open[_digest(name)]
                return None
            session.used = now
            return session.role

    def end(self, name: str) -> None:
        with self._lock:
            self._open.pop(_digest(name), None)

    def _forget(self, now: float) -> None:
        kept = {key: session for key, session in self._open.items() if not session.has_ended(now)}
        while len(kept) >= MOST:
            del kept[min(kept, key=lambda key: kept[key].used)]
        self._open = kept


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
