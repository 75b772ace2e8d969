"""Who is trained on which seeds, round by round, with values that are told."""

import pytest

from a3b_tune.finals.contest import Contestant, Outcome, Race, fresh_seeds, shared_out
from a3b_tune.study import ACCURACY, BITS

SETTINGS = {"model.name": "baseline", "training.batch_size": 64, "optimizer.lr": 0.01}


def contestant(trial, rounds=3, **settings):
    return Contestant("small", trial, {**SETTINGS, **settings}, 0.9, rounds)


def run_through(race, value_of):
    """Plays a race with values that hang on trial and seed; how many runs each round had."""
    played = []
    while tasks := race.wanted():
        played.append(len(tasks))
        for task in tasks:
            value = value_of(task.who.trial, race.seeds.index(task.seed))
            race.hear(Outcome("small", task.who.trial, task.seed, value, value, 1, 0.1))
    return played


def far_apart(trial, place):
    return 0.9 - 0.1 * trial + 0.001 * place


def test_seeds_are_fresh_and_the_same_for_the_same_data():
    seeds = fresh_seeds("abc", 10, set())
    assert len(set(seeds)) == 10
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert fresh_seeds("abc", 4, set()) == seeds[:4]
    assert fresh_seeds("abd", 4, set()) != seeds[:4]
    assert fresh_seeds("abc", 10, {seeds[0]})[:9] == seeds[1:]


@pytest.mark.parametrize("metric", [ACCURACY, BITS])
def test_who_is_behind_is_not_trained_any_more_but_keeps_its_values(metric):
    race = Race([contestant(n) for n in range(3)], list(range(100, 110)), metric)
    played = run_through(race, lambda trial, place: metric.sign * far_apart(trial, place))
    assert played == [12, 2, 2, 2]
    assert race.dropped == {1: 4, 2: 4}
    assert [len(race.runs(trial)) for trial in range(3)] == [10, 4, 4]


def test_without_a_race_there_is_one_round_and_nobody_is_dropped():
    race = Race([contestant(n) for n in range(3)], list(range(10)), ACCURACY, racing=False)
    assert run_through(race, far_apart) == [30]
    assert not race.dropped


def test_what_is_known_is_not_trained_again():
    first = Race([contestant(n) for n in range(2)], list(range(6)), ACCURACY, racing=False)
    run_through(first, far_apart)
    known = [*first.outcomes.values(), Outcome("small", 9, 0, 1.0, 1.0, 1, 0.1)]
    more = Race([contestant(n) for n in range(2)], list(range(8)), ACCURACY, known=known)
    assert run_through(more, far_apart) == [2]
    assert more.dropped == {1: 6}
    assert set(more.outcomes) == {(t, s) for t in (0, 1) for s in range(6)} | {(0, 6), (0, 7)}


def test_who_looks_no_more_trains_the_rest_at_once_and_again_drops_nobody():
    race = Race([contestant(n) for n in range(3)], list(range(10)), ACCURACY)
    for task in race.wanted():
        value = 0.9 + 0.01 * race.seeds.index(task.seed)
        race.hear(Outcome("small", task.who.trial, task.seed, value, value, 1, 0.1))
    race.look_no_more()
    assert run_through(race, far_apart) == [18]
    again = Race(race.contestants, race.seeds, ACCURACY, known=race.outcomes.values())
    assert again.wanted() == []
    assert race.dropped == again.dropped == {}


def test_equal_values_drop_nobody():
    race = Race([contestant(n) for n in range(3)], list(range(10)), ACCURACY)
    assert run_through(race, lambda trial, place: 1.0) == [12, 6, 6, 6]


def test_tasks_are_shared_out_whole_where_that_is_even_and_cut_where_it_is_not():
    sizes = (16, 32, 64)
    who = [contestant(n, **{"training.batch_size": size}) for n, size in enumerate(sizes)]
    tasks = Race(who, list(range(4)), ACCURACY).wanted()
    assert sorted(map(len, shared_out(tasks, 2))) == [2, 2, 4, 4]
    assert sorted(map(len, shared_out(tasks, 1))) == [4, 4, 4]
    shared = [task for stack in shared_out(tasks, 2) for task in stack]
    assert {(task.who.trial, task.seed) for task in shared} == {
        (task.who.trial, task.seed) for task in tasks
    }
    for stack in shared_out(tasks, 2):
        assert len({task.shape for task in stack}) == 1


def test_of_a_text_nothing_is_written_and_no_fresh_windows_are_made():
    race = Race([contestant(0, **{"training.steps": 30})], [7], ACCURACY, racing=False)
    bare = race.wanted()[0].bare
    assert bare["training.final_batches"] == bare["samples.length"] == 0
    assert Race([contestant(0)], [7], ACCURACY, racing=False).wanted()[0].bare == SETTINGS
