"""What passes is waited for, what is wrong is not, and who must not wait does not."""

import sqlite3
import threading

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, ProgrammingError

from a3b_tune.storage import patience
from a3b_tune.storage.patience import Patience, cause, passes, patient


def of_sqlite(text):
    return OperationalError("SELECT 1", {}, sqlite3.OperationalError(text))


def of_postgres(kind, text="server closed the connection unexpectedly"):
    return OperationalError("SELECT 1", {}, kind(text))


PASSING = [
    of_sqlite("database is locked"),
    of_sqlite("database or disk is full"),
    of_sqlite("disk I/O error"),
    of_postgres(psycopg.OperationalError),
    of_postgres(psycopg.errors.AdminShutdown),
    of_postgres(psycopg.errors.CannotConnectNow),
    of_postgres(psycopg.errors.SerializationFailure),
    of_postgres(psycopg.errors.TooManyConnections),
    InterfaceError("SELECT 1", {}, psycopg.InterfaceError("the connection is closed")),
]
WRONG = [
    of_sqlite("no such table: trials"),
    of_sqlite("attempt to write a readonly database"),
    of_postgres(psycopg.errors.InvalidPassword),
    of_postgres(psycopg.OperationalError, "password authentication failed for user me"),
    ProgrammingError("SELECT 1", {}, psycopg.errors.UndefinedTable("no")),
    IntegrityError("SELECT 1", {}, sqlite3.IntegrityError("UNIQUE")),
    ValueError("no"),
]


def wrapped(error):
    """As Optuna passes an error on."""
    try:
        raise RuntimeError("should not reach") from error
    except RuntimeError as found:
        return found


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_passes_is_known_however_deep_it_lies(error):
    assert passes(error)
    assert passes(wrapped(wrapped(error)))


@pytest.mark.parametrize("error", WRONG, ids=str)
def test_what_is_wrong_does_not_pass(error):
    assert not passes(error)
    assert not passes(wrapped(error))


def test_the_cause_is_one_line_of_the_drivers():
    assert cause(wrapped(of_sqlite("database is locked\nmore"))) == "database is locked"


@patient("ask", "ask_twice")
class Asked:
    """Fails so often, then answers."""

    def __init__(self, failures, error=None):
        self.patience = Patience(limit=60.0)
        self.failures = failures
        self.error = error or of_sqlite("database is locked")
        self.asked = self.forgotten = 0

    def ask(self, answer):
        self.asked += 1
        if self.asked <= self.failures:
            raise self.error
        return answer

    def ask_twice(self):
        return self.ask(1) + self.ask(2)

    def forget_connections(self):
        self.forgotten += 1


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(patience, "FIRST", 1e-6)
    monkeypatch.setattr(patience, "LAST", 1e-6)


def test_a_call_is_made_again_until_it_is_answered_and_both_ends_are_told():
    storage, told = Asked(5), []
    storage.patience.gone = told.append
    storage.patience.back = lambda seconds: told.append("back")
    assert storage.ask("yes") == "yes"
    assert (storage.asked, storage.forgotten) == (6, 5)
    assert told == ["database is locked", "back"]


def test_an_error_that_does_not_pass_is_not_waited_for():
    storage = Asked(5, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        storage.ask("yes")
    assert storage.asked == 1


@pytest.mark.parametrize("limit", [0.0, 60.0])
def test_without_patience_it_fails_at_once(limit):
    storage = Asked(5)
    storage.patience.limit = limit
    with pytest.raises(OperationalError), storage.patience.none():
        storage.ask("yes")
    assert storage.asked == 1


def test_patience_ends():
    storage = Asked(10**9)
    storage.patience.limit = 0.01
    with pytest.raises(OperationalError):
        storage.ask("yes")
    assert storage.asked > 1


def test_who_is_told_to_stop_waits_no_longer():
    storage = Asked(10**9)
    storage.patience.should_stop = lambda: storage.asked == 3
    with pytest.raises(OperationalError):
        storage.ask("yes")
    assert storage.asked == 3


def test_of_two_calls_in_one_the_outer_one_waits():
    storage = Asked(3)
    assert storage.ask_twice() == 3


def test_that_one_thread_does_not_wait_is_its_own_business():
    storage, answers = Asked(3), []
    with storage.patience.none():
        thread = threading.Thread(target=lambda: answers.append(storage.ask("yes")))
        thread.start()
        thread.join()
    assert answers == ["yes"]
