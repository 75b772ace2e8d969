"""A storage that is gone for a while is waited for: each call is made again until it is answered.

Every verb may be repeated, so a call whose answer was lost does no harm. Knows no table.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

# Seconds between two tries, growing from the first to the last: a worker must be back soon after
# the storage is, or it is taken for dead.
FIRST, LAST = 0.1, 2.0
# Seconds between two looks at whether to stop.
LOOK = 0.2
# What SQLite says of a file that may be usable again later.
SQLITE_PASSES = ("locked", "busy", "full", "disk i/o error", "unable to open")
# SQLSTATE classes of Postgres that pass: connection, conflict, resources, stopped by a person.
POSTGRES_PASSES = ("08", "40", "53", "57")
GRPC_PASSES = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")


@dataclass
class Patience:
    """How long a storage that is gone is waited for, in seconds; who is told when it goes and when
    it is back; and whether to stop waiting."""

    limit: float = 0.0
    gone: Callable[[str], None] = lambda cause: None
    back: Callable[[float], None] = lambda seconds: None
    should_stop: Callable[[], bool] = lambda: False
    _own: threading.local = field(default_factory=threading.local)

    @contextmanager
    def none(self) -> Iterator[None]:
        """Inside, in this thread, a call to a storage that is gone fails at once."""
        before = getattr(self._own, "none", False)
        self._own.none = True
        try:
            yield
        finally:
            self._own.none = before

    def has_none(self) -> bool:
        return self.limit <= 0.0 or getattr(self._own, "none", False)


class Patient(Protocol):
    """What a class must have whose methods wait."""

    patience: Patience

    def forget_connections(self) -> None:
        """Closes what may be broken."""


Class = TypeVar("Class", bound=type[Any])


def patient(*names: str) -> Callable[[Class], Class]:
    """Makes these methods of a class wait for a storage that is gone."""

    def changed(cls: Class) -> Class:
        for name in names:
            setattr(cls, name, _patiently(getattr(cls, name)))
        return cls

    return changed


def _patiently(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def called(self: Patient, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        if self.patience.has_none():
            return method(self, *arguments, **named)
        return _until_answered(self, lambda: method(self, *arguments, **named))

    return called


def _until_answered(storage: Patient, call: Callable[[], Any]) -> Any:  # noqa: ANN401
    patience, began, pause = storage.patience, time.monotonic(), FIRST
    told = False
    while True:
        try:
            # A verb that calls another one: only the outer one waits.
            with patience.none():
                found = call()
        except Exception as error:
            if not passes(error) or time.monotonic() - began > patience.limit:
                raise
            if not told:
                patience.gone(cause(error))
                told = True
            if not _wait(pause * random.uniform(0.5, 1.0), patience.should_stop):
                raise
            storage.forget_connections()
            pause = min(LAST, 2.0 * pause)
        else:
            if told:
                patience.back(time.monotonic() - began)
            return found


def _wait(seconds: float, should_stop: Callable[[], bool]) -> bool:
    """Waits; False where it was told to stop."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0.0:
        if should_stop():
            return False
        time.sleep(min(left, LOOK))
    return not should_stop()


def answered(storage: Patient, call: Callable[[], object]) -> bool:
    """Makes a call, or many, without waiting for a storage that is gone; whether it answered."""
    try:
        with storage.patience.none():
            call()
    except Exception as error:
        if not passes(error):
            raise
        storage.forget_connections()
        return False
    return True


def passes(error: BaseException) -> bool:
    """Whether an error means that the storage is gone for now, not that something is wrong."""
    return any(_passes(one) for one in _chain(error))


def _passes(error: BaseException) -> bool:
    if isinstance(error, OperationalError | InterfaceError):
        under = error.orig
        if type(under).__module__ == "sqlite3":
            return any(text in str(under).lower() for text in SQLITE_PASSES)
        state = getattr(under, "sqlstate", None)
        return _connects(str(under)) if state is None else state.startswith(POSTGRES_PASSES)
    code = getattr(error, "code", None)
    if type(error).__module__.startswith("grpc") and callable(code):
        return getattr(code(), "name", "") in GRPC_PASSES
    return False


def _connects(text: str) -> bool:
    """Whether a failed connection is one to try again. What a server says when it refuses a
    connection has no SQLSTATE of its own."""
    return not any(word in text for word in ("authentication failed", "does not exist"))


def cause(error: BaseException) -> str:
    """The first line of what the driver said, in which no password ever stands."""
    for one in _chain(error):
        if isinstance(one, DBAPIError) and one.orig is not None:
            return str(one.orig).strip().partition("\n")[0]
        if type(one).__module__.startswith("grpc"):
            # Only whoever has a proxy has gRPC.
            from a3b_tune.storage.transport import refusal

            return refusal(one)
    return str(error).strip().partition("\n")[0]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what it came of, and so on."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
