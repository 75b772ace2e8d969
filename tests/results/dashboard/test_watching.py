import pytest
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from a3b_tune.results.dashboard import watching
from a3b_tune.results.dashboard.watching import Watched
from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning import records
from tests.databases import of_each_kind
from tests.results import building


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Each question is a look of its own."""
    monkeypatch.setattr(watching, "FRESH", 0.0)


@pytest.fixture(params=["sqlite", "postgres"])
def each(request) -> str:
    return of_each_kind(request)


class Counting:
    """A storage that notes which trials were read."""

    def __init__(self, storage) -> None:
        self._storage = storage
        self.read_ids: list[set[int]] = []

    def __getattr__(self, name):
        return getattr(self._storage, name)

    def read(self, study_id, ids, newer_than):
        found = self._storage.read(study_id, ids, newer_than)
        self.read_ids.append({trial._trial_id for trial in found})
        return found


def watched(url) -> tuple[Watched, Counting]:
    reader = Counting(open_storage(url))
    return Watched(reader, open_storage(url, create=True)), reader


def without_epochs(trial):
    trial.user_attrs.pop(records.EPOCHS, None)
    return trial


def test_it_tells_what_the_storage_tells(each):
    stored = building.told(each, building.MIXED)
    found, _ = watched(each)
    for _ in range(2):
        told = found.get_all_trials(stored.id)
        assert list(map(without_epochs, told)) == [
            without_epochs(trial) for trial in stored.study.get_trials()
        ]
    complete = found.get_all_trials(stored.id, states=(TrialState.COMPLETE,))
    assert {trial.state for trial in complete} == {TrialState.COMPLETE}
    assert found.get_best_trial(stored.id).number == stored.study.best_trial.number
    assert [study.study_name for study in found.get_all_studies()] == ["small"]


def test_what_has_ended_is_read_once(url):
    stored = building.told(url, building.MIXED)
    found, reader = watched(url)
    for _ in range(3):
        found.trials(stored.id)
    every = {trial._trial_id for trial in stored.study.get_trials()}
    running = {trial._trial_id for trial in stored.study.get_trials(states=(TrialState.RUNNING,))}
    assert reader.read_ids == [every, running, running]


def test_many_who_ask_at_once_cost_one_look(url, monkeypatch):
    monkeypatch.setattr(watching, "FRESH", 60.0)
    stored = building.told(url, building.MIXED)
    found, reader = watched(url)
    for _ in range(5):
        found.trials(stored.id)
    assert len(reader.read_ids) == 1


def test_what_workers_do_is_seen(url):
    stored = building.told(url, [([0.5], "complete")])
    found, _ = watched(url)
    assert len(found.trials(stored.id)) == 1
    building.told(url, [([0.6], "running: "), ([0.7], "pruned: behind"), ([], "waiting: back")])
    states = [trial.state.name for trial in found.trials(stored.id)]
    assert states == ["COMPLETE", "RUNNING", "PRUNED", "WAITING"]


def test_what_is_written_here_is_seen_at_once(url, monkeypatch):
    monkeypatch.setattr(watching, "FRESH", 60.0)
    stored = building.told(url, [([0.5], "running: ")])
    found, _ = watched(url)
    (running,) = found.trials(stored.id)
    found.set_trial_user_attr(running._trial_id, "mine", 1)
    assert found.trials(stored.id)[0].user_attrs["mine"] == 1
    found.set_trial_state_values(running._trial_id, TrialState.FAIL)
    assert found.trials(stored.id)[0].state == TrialState.FAIL


def test_a_study_that_is_gone_is_gone(url):
    stored = building.told(url, [([0.5], "complete")])
    found, _ = watched(url)
    found.trials(stored.id)
    found.delete_study(stored.id)
    for _ in range(2):
        with pytest.raises(KeyError):
            found.trials(stored.id)


def test_without_a_writer_nothing_is_written(url):
    stored = building.told(url, [([0.5], "running: ")])
    found = Watched(open_storage(url), None)
    (trial,) = found.trials(stored.id)
    for write in (
        lambda: found.set_study_system_attr(stored.id, "x", 1),
        lambda: found.set_trial_user_attr(trial._trial_id, "x", 1),
        lambda: found.set_trial_state_values(trial._trial_id, TrialState.FAIL),
        lambda: found.create_new_trial(stored.id),
        lambda: found.delete_study(stored.id),
    ):
        with pytest.raises(PermissionError):
            write()
    assert len(stored.study.get_trials()) == 1


def test_a_trial_that_has_ended_is_not_changed_but_its_file_may_go(url):
    stored = building.told(url, [([0.5], "complete")])
    found, _ = watched(url)
    (trial,) = found.trials(stored.id)
    with pytest.raises(UpdateFinishedTrialError):
        found.set_trial_system_attr(trial._trial_id, "mine", 1)
    found.set_trial_system_attr(trial._trial_id, "artifacts:0-a", "null")
