import pytest
from optuna.trial import TrialState

from a3b_tune.storage.verbs import Release
from a3b_tune.training.shape import MEMBER_SETTINGS, Shape
from a3b_tune.tuning import records
from a3b_tune.tuning.asking import Queue, ask
from a3b_tune.tuning.trials import put_back_all, write_all
from tests.tuning.conftest import begin

WIDE, NARROW = {"model.width": 8}, {"model.width": 4}
POINT = {"model.pool": "max", "optimizer.lr": 0.01}


def enqueue(stored, *points):
    for point in points:
        stored.study.enqueue_trial(point)


def shape_of(stored, **changes):
    """The shape of some trial, with another width or pool."""
    settings = {**stored.file.fixed(), "model.width": 8, "model.pool": "max", **changes}
    return Shape.of(settings)


def settings_of(stored):
    return [trial.user_attrs[records.RECORD]["settings"] for trial in stored.study.trials]


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp", "cmaes", "qmc"])
def test_followers_have_the_shape_and_differ_in_the_rest(url, file, xor, sampler):
    if sampler in ("gp", "cmaes", "qmc"):
        pytest.importorskip("scipy")
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    stored = begin(url, file, xor, f"study.sampler={sampler}")
    queue = Queue(stored, 60, {})
    for _ in range(4):
        leader = queue.leader()
        shape = Shape.of(leader.settings)
        group = [leader, *queue.followers(shape, 5)]
        assert len(group) == 6
        assert all(shape.fits(trial.settings) for trial in group)
        assert len({trial.params["optimizer.lr"] for trial in group}) == 6
        for number, trial in enumerate(group):
            trial.report(0.1 * number, {"epoch": 1})
            trial.complete()
        write_all(group)
    assert settings_of(stored) == [
        {**stored.file.fixed(), **trial.params} for trial in stored.study.trials
    ]


def test_followers_stay_within_the_budget(stored):
    assert len(Queue(stored, 5, {}).followers(shape_of(stored), 9)) == 5
    assert Queue(stored, 5, {}).followers(shape_of(stored), 9) == []
    assert len(stored.study.trials) == 5


def test_waiting_trials_that_fit_come_before_new_ones_and_others_are_left(stored):
    enqueue(stored, {**WIDE, **POINT}, {**NARROW, **POINT}, WIDE, {"optimizer.lr": 0.02})
    found = Queue(stored, 9, {}).followers(shape_of(stored), 4)
    assert [trial.number for trial in found] == [0, 2, 3, 4]
    assert all(trial.params["model.width"] == 8 for trial in found)
    assert found[2].params["optimizer.lr"] == 0.02
    assert stored.study.trials[1].state == TrialState.WAITING


def test_a_patient_stack_takes_nothing_new_while_another_shape_waits(stored):
    enqueue(stored, {**NARROW, **POINT}, {**WIDE, **POINT})
    queue = Queue(stored, 9, {})
    assert [t.number for t in queue.followers(shape_of(stored), 4, patient=True)] == [1]
    assert queue.followers(shape_of(stored), 4, patient=True) == []
    assert queue.leader().number == 0
    assert len(queue.followers(shape_of(stored), 4, patient=True)) == 4


def test_the_oldest_waiting_trial_leads_whatever_its_shape(stored):
    trials = Queue(stored, 9, {}).followers(shape_of(stored), 3)
    put_back_all(stored, trials[1:], "Ctrl-C")
    again = ask(stored, 9, {})
    assert (again.number, again.seed, again.settings) == (1, trials[1].seed, trials[1].settings)


def test_what_another_worker_drew_in_between_goes_back_if_it_is_of_another_shape(
    url, file, xor, monkeypatch
):
    """It looked as if it might fit; by the time it is taken it has settings."""
    mine, others = begin(url, file, xor), begin(url, file, xor)
    enqueue(mine, {"optimizer.lr": 0.01})
    claim = mine.storage.claim_waiting

    def late(*arguments):
        drawn = ask(others, 1, {}, shape_of(others, **NARROW))
        put_back_all(others, [drawn], "Ctrl-C")
        return claim(*arguments)

    monkeypatch.setattr(mine.storage, "claim_waiting", late)
    assert Queue(mine, 1, {}).followers(shape_of(mine), 1) == []
    (trial,) = mine.study.trials
    assert trial.state == TrialState.WAITING
    assert trial.params["model.width"] == 4


def test_a_shape_that_is_used_up_gets_no_more_while_others_are_not(url, file, xor):
    stored = begin(url, file, xor, "optimizer.lr=0.1|0.01|0.001")
    queue = Queue(stored, 99, {})
    assert len(queue.followers(shape_of(stored), 9)) == 3
    assert queue.followers(shape_of(stored), 9) == []
    for _ in range(15):
        queue.leader()
    assert len(queue.followers(shape_of(stored), 9)) in (0, 9)


def test_with_nothing_to_search_every_slot_gets_a_new_seed(url, file, xor):
    stored = begin(url, file, xor, "model.width=4", "model.pool=max", "optimizer.lr=0.01")
    queue = Queue(stored, 6, {})
    leader = queue.leader()
    found = queue.followers(Shape.of(leader.settings), 9)
    assert [trial.repeats for trial in found] == [0] * 5
    assert len({trial.seed for trial in found}) == 5
    put_back_all(stored, [leader], "Ctrl-C")
    assert queue.leader().repeats is None


def test_two_workers_never_take_the_same(url, file, xor):
    one, two = begin(url, file, xor), begin(url, file, xor)
    enqueue(one, *[{**WIDE, **POINT}] * 4)
    first = Queue(one, 12, {})
    second = Queue(two, 12, {})
    shape = shape_of(one)
    taken = []
    for _ in range(4):
        taken += [trial.number for trial in first.followers(shape, 2)]
        taken += [trial.number for trial in second.followers(shape, 2)]
    assert sorted(taken) == list(range(12))


GRID = ("study.sampler=grid", "optimizer.lr=0.1|0.01|0.001")


def test_a_grid_in_stacks_tries_each_point_once(url, file, xor):
    stored = begin(url, file, xor, *GRID)
    queue = Queue(stored, 18, {})
    sizes = []
    while leader := queue.leader():
        found = [leader, *queue.followers(Shape.of(leader.settings), 5)]
        assert len({Shape.of(trial.settings) for trial in found}) == 1
        sizes.append(len(found))
    assert sizes == [3] * 6
    points = [tuple(sorted(trial.params.items())) for trial in stored.study.trials]
    assert len(set(points)) == 18


def test_a_grid_trial_that_was_lost_before_it_had_settings_gets_its_point(url, file, xor):
    stored = begin(url, file, xor, *GRID)
    queue = Queue(stored, 18, {})
    queue.leader()
    points = queue._grid.choice(None)
    (lost,) = stored.storage.create_within(stored.id, 18, "me", {}, 1, points)
    stored.storage.release([Release(lost._trial_id, "me")])
    while ask(stored, 18, {}):
        continue
    points = {tuple(sorted(trial.params.items())) for trial in stored.study.trials}
    assert len(points) == 18


def test_the_settings_that_may_differ_are_settings_of_a_study_file(file):
    assert {"optimizer.lr", "training.epochs"} <= MEMBER_SETTINGS & set(file.settings())


def test_trials_that_cannot_begin_are_given_up_and_begin_later(stored, monkeypatch):
    """Held on, they would show life for ever and never run."""
    queue = Queue(stored, 3, {})

    def broken(*arguments):
        raise RuntimeError("no draw")

    with monkeypatch.context() as patched:
        patched.setattr(queue, "_drawn", broken)
        with pytest.raises(RuntimeError, match="no draw"):
            queue.leader()
    assert stored.view.claims() == {}
    assert [trial.state for trial in stored.study.trials] == [TrialState.WAITING]
    assert queue.leader().number == 0
