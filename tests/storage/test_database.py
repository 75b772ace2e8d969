import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import TrialState

from a3b_tune.storage.opening import open_storage
from a3b_tune.storage.database import POINT, Change
from tests.tuning.conftest import of_each_kind

HELD = {"by": "me"}


@pytest.fixture(params=["sqlite", "postgres"])
def address(request):
    return of_each_kind(request)


@pytest.fixture
def storage(address):
    return open_storage(address, create=True)


@pytest.fixture
def study(storage):
    storage.create_whole_study("s", StudyDirection.MAXIMIZE, {"a3b:format": 1})
    return storage.get_study_id_from_name("s")


def test_a_study_is_created_with_all_its_attributes(storage, study):
    assert storage.get_study_user_attrs(study) == {"a3b:format": 1}
    assert storage.get_study_directions(study) == [StudyDirection.MAXIMIZE]


def test_a_study_of_that_name_is_left_as_it_is(storage, study):
    storage.create_whole_study("s", StudyDirection.MAXIMIZE, {"a3b:format": 99})
    assert storage.get_study_user_attrs(study) == {"a3b:format": 1}


def test_no_trial_is_created_beyond_the_budget(storage, study):
    made = [storage.create_within(study, 3, {"n": n}) for n in range(5)]
    assert [[trial.number for trial in some] for some in made] == [[0], [1], [2], [], []]


@pytest.mark.parametrize("count", [1, 3, 9])
def test_what_is_created_is_what_the_database_says(storage, study, count):
    made = storage.create_within(study, 7, {"by": "me", "n": (1, 2)}, count)
    assert [trial.number for trial in made] == list(range(min(count, 7)))
    assert made == [storage.get_trial(trial._trial_id) for trial in made]
    assert made[0].state == TrialState.RUNNING
    assert made[0].datetime_start is not None


def test_points_are_handed_out_with_the_trials_and_never_twice(storage, study):
    seen = []

    def choose(taken, count):
        seen.append(sorted(taken))
        return [point for point in (4, 2, 7) if point not in taken][:count]

    made = storage.create_within(study, 9, {}, 2, choose)
    made += storage.create_within(study, 9, {}, 2, choose)
    assert [trial.system_attrs[POINT] for trial in made] == [4, 2, 7]
    assert seen == [[], [2, 4]]


def test_many_writers_at_once_meet_the_budget_exactly(address, study):
    """Each thread has a connection of its own, as a process would."""
    storage = open_storage(address, create=True)

    def worker(_):
        made = []
        while found := storage.create_within(study, 40, {}, 3):
            made += [trial.number for trial in found]
        return made

    with ThreadPoolExecutor(8) as pool:
        made = [number for numbers in pool.map(worker, range(8)) for number in numbers]
    assert sorted(made) == list(range(40))


def test_a_waiting_trial_is_claimed_once_and_the_oldest_first(storage, study):
    ids = [trial._trial_id for trial in storage.create_within(study, 20, HELD, 20)]
    assert storage.put_back(ids, {}, ("by", "me")) == ids

    def worker(name):
        claimed = []
        while found := storage.claim_waiting(study, {"by": name}, 3):
            claimed += [(trial.number, trial.user_attrs["by"] == name) for trial in found]
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [pair for pairs in pool.map(worker, range(4)) for pair in pairs]
    assert sorted(claimed) == [(number, True) for number in range(20)]


def test_only_the_trials_that_were_named_are_claimed(storage, study):
    ids = [trial._trial_id for trial in storage.create_within(study, 6, HELD, 6)]
    storage.put_back(ids[:4], {}, ("by", "me"))
    found = storage.claim_waiting(study, {"by": "you"}, 9, [ids[3], ids[1], ids[5]])
    assert [trial.number for trial in found] == [1, 3]
    assert found == [storage.get_trial(ids[1]), storage.get_trial(ids[3])]
    assert storage.claim_waiting(study, {"by": "you"}, 9, [ids[1]]) == []


def test_many_trials_are_written_or_none(storage, study):
    first, second, third = storage.create_within(study, 3, {}, 3)
    values = {1: 0.25, 2: float("nan")}
    storage.write_all(
        [
            Change(first._trial_id, values=values, attrs={"a": 1}, notes={"rung": 0.5}),
            Change(second._trial_id, state=TrialState.COMPLETE, value=0.75, attrs={"a": 2}),
            Change(third._trial_id, state=TrialState.FAIL),
        ]
    )
    found = [storage.get_trial(trial._trial_id) for trial in (first, second, third)]
    assert [trial.state.name for trial in found] == ["RUNNING", "COMPLETE", "FAIL"]
    assert [trial.values for trial in found] == [None, [0.75], None]
    assert found[0].system_attrs == {"rung": 0.5}
    assert [trial.user_attrs for trial in found] == [{"a": 1}, {"a": 2}, {}]
    assert found[0].intermediate_values[1] == 0.25
    assert found[1].datetime_complete >= found[1].datetime_start
    with pytest.raises(UpdateFinishedTrialError):
        storage.write_all(
            [Change(first._trial_id, attrs={"a": 9}), Change(second._trial_id, attrs={"a": 9})]
        )
    assert storage.get_trial(first._trial_id).user_attrs == {"a": 1}


def test_a_batch_is_written_whole_and_a_later_one_replaces(storage, study):
    (trial,) = storage.create_within(study, 1, {})
    space = {"lr": FloatDistribution(0.0, 1.0), "pool": CategoricalDistribution(("max", "mean"))}
    params = {"lr": 0.5, "pool": "mean"}
    storage.write(trial._trial_id, params=params, distributions=space, attrs={"k": [1]})
    storage.write(trial._trial_id, values={1: 0.5, 2: 0.6}, attrs={"k": [1, 2]})
    storage.write(trial._trial_id, values={2: 0.7})
    found = storage.get_trial(trial._trial_id)
    assert found.params == params
    assert found.distributions == space
    assert found.intermediate_values == {1: 0.5, 2: 0.7}
    assert found.user_attrs["k"] == [1, 2]


def test_a_batch_that_fails_writes_nothing(storage, study):
    (trial,) = storage.create_within(study, 1, {})
    with pytest.raises(TypeError):
        storage.write(trial._trial_id, values={1: 0.5}, attrs={"bad": object()})
    assert storage.get_trial(trial._trial_id).intermediate_values == {}


def test_put_back_keeps_settings_and_sampler_notes_and_wipes_reports(storage, study):
    trial_id = storage.create_within(study, 1, HELD)[0]._trial_id
    space = {"lr": FloatDistribution(0.0, 1.0)}
    storage.write(trial_id, params={"lr": 0.5}, distributions=space, values={1: 0.9})
    storage.set_trial_system_attr(trial_id, "completed_rung_0", 0.9)
    storage.set_trial_system_attr(trial_id, "grid_id", 7)
    assert storage.put_back([trial_id], {"why": "x"}, ("by", "me")) == [trial_id]
    found = storage.get_trial(trial_id)
    assert found.state == TrialState.WAITING
    assert found.params == {"lr": 0.5}
    assert found.intermediate_values == {}
    assert found.system_attrs == {"grid_id": 7}
    assert found.user_attrs == {"by": "me", "why": "x"}


def test_a_finished_trial_cannot_be_put_back(storage, study):
    trial_id = storage.create_within(study, 1, HELD)[0]._trial_id
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    assert storage.put_back([trial_id], {}, ("by", "me")) == []
    assert storage.get_trial(trial_id).state == TrialState.COMPLETE


def test_a_trial_that_another_worker_holds_by_now_is_left_to_it(storage, study):
    trial_id = storage.create_within(study, 1, HELD)[0]._trial_id
    storage.put_back([trial_id], {}, ("by", "me"))
    storage.claim_waiting(study, {"by": "another"})
    assert storage.put_back([trial_id], {}, ("by", "me")) == []
    assert storage.get_trial(trial_id).state == TrialState.RUNNING


def test_sqlite_runs_in_wal(url, tmp_path):
    open_storage(url, create=True).create_whole_study("s", StudyDirection.MAXIMIZE, {})
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
