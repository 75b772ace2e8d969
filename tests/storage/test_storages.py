"""Every storage keeps the promises of `verbs.py`: one suite over all of them."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import TrialState

from a3b_tune.storage.opening import open_storage
from a3b_tune.storage.verbs import CLAIM, POINT, Change, Checkpoint, Points, Release
from tests.databases import of_each_kind
from tests.storage.proxy import serving

ME, YOU = "me:1", "you:1"


@pytest.fixture(params=["sqlite", "postgres", "proxy"])
def address(request):
    if request.param == "proxy":
        with serving(request.getfixturevalue("new_database")) as found:
            yield found
    else:
        yield of_each_kind(request)


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
    made = [storage.create_within(study, 3, f"me:{n}", {"n": n}) for n in range(5)]
    assert [[trial.number for trial in some] for some in made] == [[0], [1], [2], [], []]


@pytest.mark.parametrize("count", [1, 3, 9])
def test_what_is_created_is_what_the_storage_says(storage, study, count):
    made = storage.create_within(study, 7, ME, {"by": "me", "n": (1, 2)}, count)
    assert [trial.number for trial in made] == list(range(min(count, 7)))
    assert made == [storage.get_trial(trial._trial_id) for trial in made]
    assert made[0].state == TrialState.RUNNING
    assert made[0].datetime_start is not None


def test_a_creation_whose_answer_was_lost_is_not_done_twice(storage, study):
    first = storage.create_within(study, 7, ME, {}, 3)
    assert storage.create_within(study, 7, ME, {}, 3) == first
    assert len(storage.create_within(study, 7, YOU, {}, 9)) == 4


def test_points_are_handed_out_with_the_trials_and_never_twice(storage, study):
    points = Points(9, (4, 2, 7))
    made = storage.create_within(study, 9, "me:1", {}, 2, points)
    made += storage.create_within(study, 9, "me:2", {}, 2, points)
    assert [trial.system_attrs[POINT] for trial in made] == [4, 2, 7]


def test_many_writers_at_once_meet_the_budget_exactly(address, study):
    """Each thread has a connection of its own, as a process would."""
    storage = open_storage(address, create=True)

    def worker(name):
        made = []
        while found := storage.create_within(study, 40, f"{name}:{len(made)}", {}, 3):
            made += [trial.number for trial in found]
        return made

    with ThreadPoolExecutor(8) as pool:
        made = [number for numbers in pool.map(worker, range(8)) for number in numbers]
    assert sorted(made) == list(range(40))


def waiting(storage, study, count, of=None):
    """So many waiting trials, of as many as there are in all: their ids."""
    made = storage.create_within(study, 1_000, "before:1", {}, of or count)
    ids = [trial._trial_id for trial in made]
    assert storage.release([Release(i, "before:1") for i in ids[:count]]) == ids[:count]
    return ids


def test_a_waiting_trial_is_claimed_once_and_the_oldest_first(storage, study):
    waiting(storage, study, 20)

    def worker(name):
        claimed = []
        while found := storage.claim_waiting(study, f"{name}:{len(claimed)}", {"by": name}, 3):
            claimed += [(trial.number, trial.user_attrs["by"] == name) for trial in found]
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [pair for pairs in pool.map(worker, range(4)) for pair in pairs]
    assert sorted(claimed) == [(number, True) for number in range(20)]


def test_a_claim_whose_answer_was_lost_is_not_made_twice(storage, study):
    waiting(storage, study, 5)
    first = storage.claim_waiting(study, ME, {}, 2)
    assert storage.claim_waiting(study, ME, {}, 2) == first
    assert [trial.number for trial in first] == [0, 1]


def test_only_the_trials_that_were_named_are_claimed(storage, study):
    ids = waiting(storage, study, 4, of=6)
    found = storage.claim_waiting(study, ME, {}, 9, [ids[3], ids[1], ids[5]])
    assert [trial.number for trial in found] == [1, 3]
    assert found == [storage.get_trial(ids[1]), storage.get_trial(ids[3])]
    assert storage.claim_waiting(study, YOU, {}, 9, [ids[1]]) == []


def created(storage, study, count=1):
    return [t._trial_id for t in storage.create_within(study, 1_000, ME, {}, count)]


def test_many_trials_are_written_at_once(storage, study):
    ids = created(storage, study, 3)
    values = {1: 0.25, 2: float("nan")}
    refused = storage.write_all(
        [
            Change(ids[0], ME, values=values, attrs={"a": 1}, notes={"rung": 0.5}),
            Change(ids[1], ME, state=TrialState.COMPLETE, value=0.75, attrs={"a": 2}),
            Change(ids[2], ME, state=TrialState.FAIL),
        ]
    )
    assert refused == []
    found = [storage.get_trial(trial_id) for trial_id in ids]
    assert [trial.state.name for trial in found] == ["RUNNING", "COMPLETE", "FAIL"]
    assert [trial.values for trial in found] == [None, [0.75], None]
    assert found[0].system_attrs == {"rung": 0.5}
    assert [trial.user_attrs for trial in found] == [
        {CLAIM: ME, "a": 1},
        {CLAIM: ME, "a": 2},
        {CLAIM: ME},
    ]
    assert found[0].intermediate_values[1] == 0.25
    assert found[1].datetime_complete >= found[1].datetime_start


def test_what_is_written_under_a_claim_of_the_past_is_refused_and_the_rest_is_not(storage, study):
    """The late word of a worker that was taken for dead."""
    ids = created(storage, study, 3)
    storage.release([Release(ids[0], ME), Release(ids[1], ME)])
    storage.claim_waiting(study, YOU, {}, 9, [ids[0]])
    late = [Change(i, ME, values={1: 0.5}, state=TrialState.COMPLETE, value=0.5) for i in ids]
    assert storage.write_all(late) == ids[:2]
    found = [storage.get_trial(trial_id) for trial_id in ids]
    assert [trial.state.name for trial in found] == ["RUNNING", "WAITING", "COMPLETE"]
    assert [trial.intermediate_values for trial in found] == [{}, {}, {1: 0.5}]


def test_an_end_whose_answer_was_lost_may_be_told_again(storage, study):
    (trial_id,) = created(storage, study)
    end = Change(trial_id, ME, state=TrialState.COMPLETE, value=0.5, attrs={"n": 1})
    assert storage.write_all([end]) == []
    assert storage.write_all([end]) == []
    assert storage.get_trial(trial_id).value == 0.5


def test_a_batch_is_written_whole_and_a_later_one_replaces(storage, study):
    (trial_id,) = created(storage, study)
    space = {"lr": FloatDistribution(0.0, 1.0), "pool": CategoricalDistribution(("max", "mean"))}
    params = {"lr": 0.5, "pool": "mean"}
    storage.write_all([Change(trial_id, ME, params=params, distributions=space, attrs={"k": [1]})])
    storage.write_all([Change(trial_id, ME, values={1: 0.5, 2: 0.6}, attrs={"k": [1, 2]})])
    storage.write_all([Change(trial_id, ME, values={2: 0.7})])
    found = storage.get_trial(trial_id)
    assert found.params == params
    assert found.distributions == space
    assert found.intermediate_values == {1: 0.5, 2: 0.7}
    assert found.user_attrs["k"] == [1, 2]
    storage.write_all([Change(trial_id, ME, values={2: 0.9}, after=0)])
    assert storage.get_trial(trial_id).intermediate_values == {2: 0.9}


def test_a_batch_that_fails_writes_nothing(storage, study):
    (trial_id,) = created(storage, study)
    with pytest.raises(TypeError):
        storage.write_all([Change(trial_id, ME, values={1: 0.5}, attrs={"bad": object()})])
    assert storage.get_trial(trial_id).intermediate_values == {}


def test_what_is_released_keeps_settings_and_sampler_notes_and_loses_its_reports(storage, study):
    (trial_id,) = created(storage, study)
    space = {"lr": FloatDistribution(0.0, 1.0)}
    notes = {"completed_rung_0": 0.9, "grid_id": 7}
    storage.write_all(
        [Change(trial_id, ME, {"lr": 0.5}, space, values={1: 0.9, 2: 0.8}, notes=notes)]
    )
    assert storage.release([Release(trial_id, ME, {"why": "x"})]) == [trial_id]
    found = storage.get_trial(trial_id)
    assert found.state == TrialState.WAITING
    assert found.params == {"lr": 0.5}
    assert found.intermediate_values == {}
    assert found.system_attrs == {"grid_id": 7}
    assert found.user_attrs == {CLAIM: None, "why": "x"}


def test_what_has_a_checkpoint_keeps_the_reports_up_to_it(storage, study):
    (trial_id,) = created(storage, study)
    storage.write_all(
        [Change(trial_id, ME, values={1: 0.1, 2: 0.2, 3: 0.3}, notes={"completed_rung_0": 0.1})]
    )
    storage.save_checkpoints([Checkpoint(trial_id, ME, 1, b"old")])
    storage.save_checkpoints([Checkpoint(trial_id, ME, 2, b"\x00new")])
    storage.release([Release(trial_id, ME)])
    found = storage.get_trial(trial_id)
    assert found.intermediate_values == {1: 0.1, 2: 0.2}
    assert found.system_attrs == {"completed_rung_0": 0.1}
    storage.claim_waiting(study, YOU, {})
    assert storage.load_checkpoints([trial_id]) == {
        trial_id: Checkpoint(trial_id, ME, 2, b"\x00new")
    }


def test_a_checkpoint_is_kept_only_for_who_holds_the_trial_and_until_its_end(storage, study):
    ids = created(storage, study, 2)
    storage.save_checkpoints([Checkpoint(i, YOU, 1, b"theirs") for i in ids])
    assert storage.load_checkpoints(ids) == {}
    storage.save_checkpoints([Checkpoint(i, ME, 1, b"mine") for i in ids])
    storage.write_all([Change(ids[0], ME, state=TrialState.COMPLETE, value=1.0)])
    storage.release([Release(ids[1], ME, state=TrialState.FAIL)])
    assert storage.load_checkpoints(ids) == {}


def test_a_trial_that_is_given_up_as_failed_has_ended(storage, study):
    (trial_id,) = created(storage, study)
    storage.write_all([Change(trial_id, ME, values={1: 0.5})])
    released = Release(trial_id, ME, {"why": "lost"}, state=TrialState.FAIL)
    assert storage.release([released]) == [trial_id]
    found = storage.get_trial(trial_id)
    assert (found.state, found.intermediate_values) == (TrialState.FAIL, {1: 0.5})
    assert found.datetime_complete is not None
    assert storage.release([released]) == []


def test_a_trial_that_another_worker_holds_by_now_is_left_to_it(storage, study):
    (trial_id,) = created(storage, study)
    storage.release([Release(trial_id, ME)])
    storage.claim_waiting(study, YOU, {})
    assert storage.release([Release(trial_id, ME)]) == []
    assert storage.get_trial(trial_id).state == TrialState.RUNNING


def test_a_trial_shows_life_from_its_first_moment(storage, study):
    ids = created(storage, study, 2)
    found = storage.beats(study)
    assert [(beat.trial_id, beat.claim) for beat in found] == [(i, ME) for i in ids]
    assert all(0.0 <= beat.age < 60.0 for beat in found)


def test_a_beat_counts_only_for_who_holds_the_trial(storage, study):
    ids = created(storage, study, 3)
    storage.release([Release(ids[1], ME)])
    storage.claim_waiting(study, YOU, {})
    storage.write_all([Change(ids[2], ME, state=TrialState.COMPLETE, value=1.0)])
    before = {beat.trial_id: beat.beat for beat in storage.beats(study)}
    assert sorted(before) == ids[:2]
    while True:
        assert storage.beat(dict.fromkeys(ids, ME)) == ids[1:]
        after = {beat.trial_id: beat.beat for beat in storage.beats(study)}
        if after[ids[0]] != before[ids[0]]:
            break
    assert after[ids[1]] == before[ids[1]]


def test_who_showed_life_since_is_not_given_up(storage, study):
    (trial_id,) = created(storage, study)
    (old,) = storage.beats(study)
    while storage.beats(study)[0].beat == old.beat:
        storage.beat({trial_id: ME})
    assert storage.release([Release(trial_id, ME, beat=old.beat)]) == []
    (new,) = storage.beats(study)
    assert storage.release([Release(trial_id, ME, beat=new.beat)]) == [trial_id]


def test_sqlite_runs_in_wal(url, tmp_path):
    open_storage(url, create=True).create_whole_study("s", StudyDirection.MAXIMIZE, {})
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
