"""Notes of a study: none is lost, each kind is read alone and in order."""

import pytest

from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning import notes, records
from a3b_tune.tuning.studies import open_study
from tests.databases import of_each_kind
from tests.tuning.conftest import begin


@pytest.fixture(params=["sqlite", "postgres"])
def anywhere(request):
    return of_each_kind(request)


def test_each_note_is_kept_and_read_in_order(anywhere, file, xor):
    stored = begin(anywhere, file, xor)
    other = open_study(open_storage(anywhere), "small")
    for place in range(3):
        notes.note_confirmation((stored, other)[place % 2], {"place": place})
    notes.note_test(other, {"accuracy": 1.0})
    assert [note["place"] for note in notes.confirmations(stored)] == [0, 1, 2]
    assert notes.tests_done(stored) == [{"accuracy": 1.0}]


def test_two_notes_of_one_moment_are_two(url, file, xor, monkeypatch):
    stored = begin(url, file, xor)
    monkeypatch.setattr(notes.time, "time_ns", lambda: 7)
    notes.note_confirmation(stored, {"place": 1})
    notes.note_confirmation(stored, {"place": 2})
    assert len(notes.confirmations(stored)) == 2


def test_a_study_begins_without_notes(stored):
    assert notes.confirmations(stored) == notes.tests_done(stored) == []
    assert not [key for key in stored.study.user_attrs if key.startswith(records.STUDY_TESTED)]
