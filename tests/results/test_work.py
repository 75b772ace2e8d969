import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.results.overview import study_overview
from a3b_tune.results.work import work
from a3b_tune.tuning.records import WORK_PREFIX

PARTS = ("training", "evaluation", "sampling", "storage")


def account(began="12:00:00", wall=10.0, training=1.0, trials=5, slots=4, busy=0.5, **seconds):
    spent = {part: seconds.get(part, 0.0) for part in PARTS} | {"training": training}
    return {
        "host": "here", "pid": 7, "began": f"2026-01-01T{began}+00:00", "seconds": spent,
        "wall": wall, "slot_seconds": slots * wall, "busy_seconds": busy * slots * wall,
        "trials": trials,
    }  # fmt: skip


def added(*accounts):
    """Accounts of so many workers, among a study's other attributes."""
    stored = {f"{WORK_PREFIX}here:{pid}:1.5": each for pid, each in enumerate(accounts)}
    return work({"a3b:file": {"study": {}}, **stored})


def test_a_study_without_accounts_has_no_work():
    assert added() is None


def test_a_worker_that_trained_nothing_is_left_out():
    idle = account("18:00:00", wall=0.1, training=0.0, trials=0, slots=0)
    assert added(idle) is None
    assert added(account(), idle) == added(account())


def test_a_worker_that_was_stopped_in_its_first_epoch_counts():
    stopped = account("12:00:00", training=9.0, trials=0, slots=0)
    assert added(account(), stopped).workers == 2


def test_workers_side_by_side_are_added_up_and_their_time_counted_once():
    both = added(account(trials=20), account("12:00:05", trials=10, busy=1.0))
    assert (both.workers, both.trials, both.wall) == (2, 30, 15.0)
    assert both.trials_per_second == pytest.approx(2.0)
    assert both.slots_busy == pytest.approx(0.75)


def test_the_night_between_two_runs_is_nobodys_time():
    runs = added(account("01:00:00", wall=10.0), account("09:00:00", wall=30.0))
    assert runs.wall == 40.0


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 3000)), min_size=1, max_size=8))
def test_time_that_several_workers_ran_counts_once(spans):
    found = added(*(account(f"12:{s // 60:02}:{s % 60:02}", wall=w) for s, w in spans))
    assert found.wall == len({second for s, w in spans for second in range(s, s + w)})


def test_what_no_part_accounts_for_is_the_rest():
    one = added(account(training=6.0, evaluation=1.0, sampling=0.5, storage=0.5))
    assert one.shares() == pytest.approx(
        {"training": 0.6, "evaluation": 0.1, "sampling": 0.05, "storage": 0.05, "rest": 0.2}
    )
    # Each part is rounded by itself.
    assert added(account(wall=10.0, training=10.001)).seconds["rest"] == 0.0


def test_a_real_run_kept_account_of_itself(small):
    overview = study_overview(small)
    found = overview.work
    assert (found.workers, found.trials) == (1, 12)
    assert set(found.shares()) == {*PARTS, "rest"}
    assert sum(found.shares().values()) == pytest.approx(1.0)
    assert 0 < found.slots_busy <= 1
    told = json.loads(json.dumps(overview.to_json()))["work"]
    assert told["trials_per_second"] == found.trials_per_second > 0
    assert told["slots_busy"] == found.slots_busy


def test_a_study_that_kept_none_says_null(mixed):
    assert study_overview(mixed).work is None
    assert study_overview(mixed).to_json()["work"] is None
