"""What was made of a study after its search, kept with it: confirmations and tests, a note each.

A note is an attribute of its own, so that two people who write at once lose nothing. Knows nothing
of what a note says but its kind.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from a3b_tune.tuning import records
from a3b_tune.tuning.studies import StoredStudy

# The kinds of notes of what was trained again: values as they were measured, and what those of a
# whole confirmation came to.
RUNS, RACE = "runs", "race"


def confirmations(stored: StoredStudy) -> list[dict[str, Any]]:
    """The notes of what was trained again, the oldest first."""
    return notes_among(stored.study.user_attrs, records.STUDY_CONFIRMED)


def last_race(attrs: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the last confirmation of a study with these attributes came to; None without one."""
    found = notes_among(attrs, records.STUDY_CONFIRMED)
    return next((note for note in reversed(found) if note.get("kind") == RACE), None)


def note_confirmation(stored: StoredStudy, note: Mapping[str, Any]) -> None:
    """Adds a note of what was trained again."""
    _write(stored, records.STUDY_CONFIRMED, note)


def tests_done(stored: StoredStudy) -> list[dict[str, Any]]:
    """The notes of when the test split was used, the oldest first."""
    return notes_among(stored.study.user_attrs, records.STUDY_TESTED)


def note_test(stored: StoredStudy, note: Mapping[str, Any]) -> None:
    """Adds a note that the test split was used."""
    _write(stored, records.STUDY_TESTED, note)


def notes_among(attrs: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """The notes of one kind in a study's attributes, the oldest first."""
    return [dict(attrs[key]) for key in sorted(attrs) if key.startswith(prefix)]


def _write(stored: StoredStudy, prefix: str, note: Mapping[str, Any]) -> None:
    # The time puts them in order, the rest tells apart what two write in one moment. A call that
    # the storage makes again, its answer lost, writes the same attribute.
    key = f"{prefix}{time.time_ns():020d}:{secrets.token_hex(4)}"
    stored.storage.set_study_user_attr(stored.id, key, dict(note))
