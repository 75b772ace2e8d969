"""What a race comes to: chances, optimism, order, and the way into a note and back."""

import json

import pytest

from a3b_tune.finals.contest import Contestant, Outcome, Race
from a3b_tune.finals.optimism import against, chances_of_being_best, verdict
from a3b_tune.finals.verdict import Verdict
from a3b_tune.study import ACCURACY, BITS


def race_of(values, said=0.9, metric=ACCURACY, study="small"):
    """A race that is over, with the values of each setting by seed."""
    who = [Contestant(study, trial, {}, said, 3) for trial in range(len(values))]
    race = Race(who, list(range(len(values[0]))), metric, racing=False)
    for trial, row in enumerate(values):
        for seed, value in enumerate(row):
            race.hear(Outcome(study, trial, seed, value, value, 1, 0.1))
    race.wanted()
    return race


def told(race, **more):
    return verdict(race, racing=True, when="2026-01-01T00:00:00+00:00", seconds=1.0, **more)


def test_chances_add_up_and_equals_share_them():
    assert chances_of_being_best([[1.0] * 5] * 4) == [0.25] * 4
    found = chances_of_being_best([[0.9, 0.8, 0.95], [0.85, 0.9, 0.9], [0.1, 0.2, 0.1]])
    assert sum(found) == pytest.approx(1.0)
    assert found[2] == 0.0


def test_the_better_one_is_likelier_the_best_and_a_setting_may_have_fewer_seeds():
    found = chances_of_being_best([[0.90, 0.92, 0.91, 0.93], [0.89, 0.925, 0.90, 0.92], [0.5, 0.6]])
    assert found[0] > found[1] > found[2]


def test_the_search_flatters_itself_by_what_it_said_too_much():
    found = told(race_of([[0.85, 0.87], [0.80, 0.82]]))
    assert [row.optimism for row in found.rows] == pytest.approx([0.04, 0.09])
    assert found.optimism == pytest.approx(0.065)
    bits = told(race_of([[0.60, 0.62]], said=0.58, metric=BITS))
    assert bits.optimism == pytest.approx(0.03)


def test_the_best_comes_first_and_whether_that_was_the_search_s_is_told():
    found = told(race_of([[0.80, 0.82], [0.85, 0.87]]))
    assert [row.trial for row in found.rows] == [1, 0]
    assert not found.held
    assert told(race_of([[0.80, 0.82], [0.85, 0.87]], metric=BITS)).held


def test_a_verdict_comes_out_of_a_note_as_it_went_in():
    races = race_of([[0.80, 0.82, 0.81]]), race_of([[0.7, 0.72, 0.72]], study="other")
    found = told(races[0], against=against(*races, "other"))
    assert found.against.mean == pytest.approx(0.0967, abs=1e-4)
    assert found.against.seeds == 3
    assert Verdict.from_json(json.loads(json.dumps(found.to_json()))) == found
