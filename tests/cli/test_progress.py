import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.cli.figures import duration
from a3b_tune.cli.progress import Best, Progress
from a3b_tune.tuning.events import LostFound, WorkerDied
from tests.cli.events import PARAMS, ended, epoch, started, whole


def fresh(trials=10, best=None, deadline=None, **counts):
    return Progress("small", trials, counts, best, deadline)


def fed(progress, *events):
    for event in events:
        progress.take(event)
    return progress


def test_a_running_trial_has_its_settings_and_its_curve_as_it_grows():
    progress = fed(fresh(), started(3), epoch(3, 1, 0.5), epoch(3, 2, 0.75))
    assert progress.running[3].params == PARAMS
    assert progress.running[3].curve == [0.5, 0.75]
    assert progress.running[3].epochs == 3
    assert progress.ended == 0


def test_trials_of_several_workers_run_side_by_side():
    events = [started(0), started(1), epoch(1, 1, 0.6), epoch(0, 1, 0.5), ended(1, 0.6)]
    progress = fed(fresh(), *events)
    assert list(progress.running) == [0]
    assert progress.running[0].curve == [0.5]


@pytest.mark.parametrize("state", ["complete", "pruned", "failed"])
def test_an_ended_trial_counts_in_its_state(state):
    progress = fed(fresh(complete=2), *whole(2, [0.5], state=state))
    assert progress.ended == 3
    assert progress.counts[state] == (3 if state == "complete" else 1)
    assert progress.running == {}


def test_trials_of_earlier_runs_count_but_those_that_wait_or_run_do_not():
    assert fresh(complete=2, pruned=1, failed=1, waiting=3, running=2).ended == 4


def test_a_trial_that_was_put_back_has_not_ended():
    progress = fed(fresh(), *whole(0, [0.9], state="put back", reason="Ctrl-C"))
    assert (progress.ended, progress.running, progress.best) == (0, {}, None)
    progress = fed(progress, *whole(0, [0.5]))
    assert progress.ended == 1
    assert progress.best.value == 0.5


def test_a_lost_trial_that_is_begun_again_starts_with_an_empty_curve():
    died = WorkerDied(1234, "was ended by SIGKILL", [0], True)
    progress = fed(fresh(), started(0), epoch(0, 1, 0.9), died, LostFound([0]), started(0))
    assert progress.running[0].curve == []
    assert progress.ended == 0


@pytest.mark.parametrize(
    ("trials", "best"),
    [
        ([(0, [0.5, 0.7]), (1, [0.6])], 0),
        ([(0, [0.5, 0.7]), (1, [0.7])], 1),
        ([(0, [0.7]), (1, [0.7])], 0),
        ([(1, [0.7]), (0, [0.7])], 0),
    ],
)
def test_the_best_has_most_accuracy_then_fewest_epochs_then_the_lowest_number(trials, best):
    progress = fed(fresh(), *(event for number, curve in trials for event in whole(number, curve)))
    assert progress.best.number == best
    assert progress.best.params == PARAMS


@pytest.mark.parametrize("state", ["pruned", "failed", "put back"])
def test_only_a_complete_trial_can_be_the_best(state):
    before = Best(0, 0.5, 1, {})
    assert fed(fresh(best=before), *whole(1, [0.9], state=state)).best is before


def test_the_best_of_an_earlier_run_stands_until_it_is_beaten():
    before = Best(7, 0.8, 2, {})
    progress = fed(fresh(best=before), *whole(8, [0.7]))
    assert progress.best is before
    assert fed(progress, *whole(9, [0.81])).best.number == 9


@given(st.lists(st.lists(st.sampled_from([0.5, 0.6, 0.7]), min_size=1, max_size=4), max_size=8))
def test_counts_and_best_do_not_depend_on_the_order_in_which_trials_end(curves):
    trials = list(enumerate(curves))

    def told(order):
        return fed(fresh(), *(event for number, curve in order for event in whole(number, curve)))

    there, back = told(trials), told(reversed(trials))
    assert (there.counts, there.best) == (back.counts, back.best)


def test_time_left_is_unknown_until_a_trial_has_ended():
    progress = fed(fresh(), started(0))
    assert progress.seconds_left is None
    progress.started -= 10.0
    assert progress.seconds_left is None


def test_time_left_comes_from_the_trials_that_ended_in_this_run():
    progress = fed(fresh(trials=10, complete=6), *whole(6, [0.5]), *whole(7, [0.5]))
    progress.started -= 100.0
    assert progress.seconds_left == pytest.approx(100.0, abs=5.0)


def test_time_left_is_cut_at_the_deadline():
    soon = time.monotonic() + 30.0
    assert 0 < fresh(deadline=soon).seconds_left <= 30.0
    progress = fed(fresh(deadline=soon), *whole(0, [0.5]))
    progress.started -= 1000.0
    assert 0 < progress.seconds_left <= 30.0
    assert fresh(deadline=time.monotonic() - 5.0).seconds_left == 0.0


def test_no_time_is_left_when_all_trials_are_done():
    assert fed(fresh(trials=1), *whole(0, [0.5])).seconds_left == 0.0
    assert fed(fresh(trials=1, complete=4), *whole(4, [0.5])).seconds_left == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (59.4, "59 s"), (59.6, "1:00"), (60, "1:00"), (125, "2:05"),
        (3599.9, "1:00:00"), (3725, "1:02:05"), (360_000, "100:00:00"),
    ],
)  # fmt: skip
def test_a_duration_in_few_characters(seconds, text):
    assert duration(seconds) == text


def test_begun_trials_count_by_their_epochs():
    events = [e for n in range(1, 5) for e in (started(n), epoch(n, 1, 0.5, 2))]
    progress = fed(fresh(trials=6), *whole(0, [0.5]), *events)
    progress.started -= 30.0
    assert progress.seconds_left == pytest.approx(30.0, abs=3.0)


def of_heads(number, heads):
    return started(number, {"model.heads": heads, "optimizer.lr": 0.1 / (1 + number)})


def test_trials_are_counted_by_the_settings_that_make_their_shape():
    progress = fed(fresh(), *(of_heads(number, number % 2) for number in range(5)))
    found = {shape.settings["model.heads"]: shape.running for shape in progress.shapes.values()}
    assert found == {0: 3, 1: 2}
    assert all("optimizer.lr" not in shape.settings for shape in progress.shapes.values())


def test_the_best_of_a_shape_outlives_its_trials():
    progress = fed(fresh(), of_heads(0, 1), epoch(0, 1, 0.7), ended(0, 0.7), of_heads(1, 1))
    (shape,) = progress.shapes.values()
    assert (shape.best, shape.running) == (0.7, 1)


def test_the_trials_of_a_worker_that_died_run_no_more():
    died = WorkerDied(1234, "was ended by SIGKILL", [0, 1], True)
    progress = fed(fresh(), started(0), started(1), started(2), died)
    assert list(progress.running) == [2]
    assert fed(progress, *whole(0, [0.5])).ended == 1


def test_a_trial_that_another_worker_took_may_be_heard_of_before_it_was_put_back():
    back = ended(0, 0.6, "put back", reason="out of memory")
    progress = fed(fresh(), started(0), epoch(0, 1, 0.6), started(0), back, epoch(0, 1, 0.5))
    assert progress.running[0].params == PARAMS
    assert progress.running[0].curve == [0.5]
    progress = fed(progress, ended(0, 0.5))
    assert (progress.ended, progress.running) == (1, {})
    assert progress.best.params == PARAMS


EVENTS = st.one_of(
    st.builds(of_heads, st.integers(0, 5), st.integers(0, 2)),
    st.builds(lambda number: epoch(number, 1, 0.5), st.integers(0, 5)),
    st.builds(
        lambda number, state: ended(number, 0.5, state),
        st.integers(0, 5),
        st.sampled_from(["complete", "pruned", "failed", "put back"]),
    ),
)


@given(st.lists(EVENTS, max_size=40))
def test_in_any_order_of_events_a_running_trial_is_in_one_shape(events):
    progress = fed(fresh(), *events)
    shapes = list(progress.shapes.values())
    for shape in shapes:
        members = [trial for trial in progress.running.values() if trial.shape is shape]
        assert shape.running == len(members) <= shape.room
    assert sum(shape.running for shape in shapes) == len(progress.running)
