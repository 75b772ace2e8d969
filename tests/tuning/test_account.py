from datetime import UTC, datetime, timedelta

import pytest

from a3b_tune.tuning import records
from a3b_tune.tuning.account import PARTS, Account
from tests.tuning.conftest import begin, run
from tests.tuning.fake_learner import Fakes


def accounts(stored):
    attrs = stored.study.user_attrs
    return [attrs[key] for key in attrs if key.startswith(records.WORK_PREFIX)]


def test_a_run_says_where_its_time_went(url, file, xor):
    stored = begin(url, file, xor)
    run(stored, xor, 7, fakes=Fakes(asked=3))
    (account,) = accounts(stored)
    me = records.this_worker()
    assert (account["host"], account["pid"], account["trials"]) == (me.host, me.pid, 7)
    assert set(account["seconds"]) == set(PARTS)
    assert account["seconds"]["sampling"] > 0
    assert sum(account["seconds"].values()) <= account["wall"] + 0.01
    assert 0 <= account["busy_seconds"] <= account["slot_seconds"]


def test_a_later_run_of_the_process_adds_to_it(url, file, xor):
    stored = begin(url, file, xor)
    run(stored, xor, 3, fakes=Fakes(asked=3))
    before = accounts(stored)[0]
    run(begin(url, file, xor), xor, 8, fakes=Fakes(asked=3))
    (after,) = accounts(stored)
    assert after["trials"] == 8
    assert after["began"] == before["began"]
    assert after["wall"] > before["wall"]


def test_an_interrupted_run_is_accounted_for_too(stored, xor):
    looks = iter([None] * 6)
    assert run(stored, xor, 9, stop=lambda: next(looks, "Ctrl-C"), fakes=Fakes())[0] == "Ctrl-C"
    assert len(accounts(stored)) == 1


def test_its_beginning_is_known_as_finely_as_its_length():
    """Spans of a few tenths of a second are laid over each other."""
    before, account, after = datetime.now(UTC), Account(), datetime.now(UTC)
    began = datetime.fromisoformat(account.to_json()["began"])
    assert before - timedelta(milliseconds=1) < began <= after


def test_slots_without_a_member_are_not_busy():
    account = Account()
    account.epoch(2.0, 0.5, slots=8, members=6)
    account.epoch(1.0, 0.25, slots=8, members=1)
    assert account.slot_seconds == 24.0
    assert account.busy_seconds == 13.0
    assert account.seconds["training"] == pytest.approx(2.25)
    assert account.seconds["evaluation"] == pytest.approx(0.75)
