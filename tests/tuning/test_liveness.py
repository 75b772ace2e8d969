"""Dead workers' trials run again, living workers' never do."""

import time

import pytest
from optuna.trial import TrialState

from a3b_tune.storage.verbs import Beat
from a3b_tune.tuning import records
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.liveness import RETURN, Heart, Reaper, losses, reap
from tests.tuning.conftest import DEAD, ELSEWHERE, REBORN, begin, hold_as

INTERVAL = 10.0


class Clock:
    """Time goes on when the test says so."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


class Signs:
    """What a storage says of signs of life, by hand."""

    def __init__(self, stored, monkeypatch):
        self.ages = {}
        self.claims = {}
        monkeypatch.setattr(stored.storage, "beats", self.beats)

    def beats(self, study_id):
        return [
            Beat(trial_id, self.claims[trial_id], f"beat {age[0]}", age[1])
            for trial_id, age in self.ages.items()
        ]


def frozen(stored, trial):
    return stored.storage.get_trial(trial.id)


@pytest.mark.parametrize("worker", [DEAD, REBORN], ids=["gone", "another process by now"])
def test_trials_of_a_dead_process_of_this_machine_go_back_at_once(stored, worker):
    lost, alive = ask(stored, 9, {}), ask(stored, 9, {})
    hold_as(stored, lost, worker)
    assert [(found.number, found.failed) for found in reap(stored)] == [(lost.number, False)]
    assert frozen(stored, lost).state == TrialState.WAITING
    assert frozen(stored, lost).user_attrs[records.REASON].endswith("died")
    assert frozen(stored, alive).state == TrialState.RUNNING


def test_a_trial_of_another_machine_is_left_alone_at_first(stored):
    hold_as(stored, ask(stored, 9, {}), ELSEWHERE)
    assert reap(stored) == []


def test_a_trial_lost_before_it_had_settings_draws_them_now(url, stored, file, xor):
    stored.storage.create_within(stored.id, 9, DEAD.claim(), {})
    again = begin(url, file, xor)
    assert [found.number for found in reap(again)] == [0]
    trial = ask(again, 9, {})
    assert trial.number == 0
    assert set(trial.params) == {"model.width", "model.pool", "optimizer.lr"}


@pytest.fixture
def watched(stored, monkeypatch):
    """A reaper, its clock, and a trial of a worker elsewhere, whose silence the test makes up."""
    clock = Clock()
    trial = ask(stored, 9, {})
    hold_as(stored, trial, ELSEWHERE)
    signs = Signs(stored, monkeypatch)
    signs.claims[trial.id] = frozen(stored, trial).user_attrs["a3b:claim"]
    reaper = Reaper(stored, clock)
    monkeypatch.setattr(stored.storage, "release", released := Released(stored.storage.release))
    return clock, reaper, signs, trial, released


class Released:
    """Gives trials up whatever their last beat was: here it was made up."""

    def __init__(self, release):
        self.release = release

    def __call__(self, releases):
        for release in releases:
            object.__setattr__(release, "beat", None)
        return self.release(releases)


def watch(clock, reaper, seconds, step=1.0):
    """Looks once a second for so long: what was found."""
    found = []
    end = clock.now + seconds
    while clock.now < end:
        found += reaper.look()
        clock.now += step
    return found


def test_a_worker_that_is_silent_for_two_intervals_is_lost(stored, watched):
    clock, reaper, signs, trial, _ = watched
    began = clock.now
    while not (found := reaper.look()):
        signs.ages[trial.id] = (0, clock.now - began)
        clock.now += 1.0
        assert clock.now < began + 60.0
    assert 2.0 * INTERVAL <= clock.now - began <= 2.0 * INTERVAL + 2.0
    (reaped,) = found
    assert reaped.number == trial.number
    assert "lost: silent for 20 s" in reaped.reason
    assert frozen(stored, trial).state == TrialState.WAITING


def test_a_worker_that_beats_late_but_within_two_intervals_is_never_lost(watched):
    clock, reaper, signs, trial, _ = watched
    for beat in range(20):
        for age in range(int(1.9 * INTERVAL)):
            signs.ages[trial.id] = (beat, float(age))
            assert reaper.look() == []
            clock.now += 1.0


def test_after_an_outage_all_are_silent_and_nobody_is_given_up_before_he_could_beat(watched):
    clock, reaper, signs, trial, _ = watched
    signs.ages[trial.id] = (0, 3.0)
    assert reaper.look() == []
    clock.now += 300.0  # the storage was gone: no look, no beat
    signs.ages[trial.id] = (0, 303.0)
    assert watch(clock, reaper, INTERVAL) == []
    signs.ages[trial.id] = (1, 0.0)
    assert watch(clock, reaper, INTERVAL) == []


def test_one_that_does_not_come_back_after_an_outage_is_lost(watched):
    clock, reaper, signs, trial, _ = watched
    signs.ages[trial.id] = (0, 300.0)
    found = watch(clock, reaper, INTERVAL + RETURN + 2.0)
    assert [reaped.number for reaped in found] == [trial.number]


def test_a_trial_is_retried_so_often_and_then_has_failed(url, file, xor):
    stored = begin(url, file, xor, "study.retries=2")
    for times in range(1, 4):
        trial = ask(stored, 1, {})
        hold_as(stored, trial, DEAD)
        (reaped,) = reap(stored)
        assert losses(frozen(stored, trial).user_attrs) == times
        assert reaped.failed == (times == 3)
    found = frozen(stored, trial)
    assert found.state == TrialState.FAIL
    assert found.user_attrs[records.REASON].startswith("lost 3 times; the last: worker ")
    assert ask(stored, 1, {}) is None


def test_what_was_stopped_by_a_person_costs_no_retry(stored):
    assert losses({records.INTERRUPTIONS: [{"kind": "stopped", "reason": "Ctrl-C"}]}) == 0


def test_a_heart_beats_for_all_that_is_held_and_hears_what_it_holds_no_more(url, file, xor):
    stored = begin(url, file, xor, "study.heartbeat=0.1")
    mine, others = ask(stored, 9, {}), ask(stored, 9, {})
    claim = others.claim
    attrs = {"a3b:claim": ELSEWHERE.claim()}
    begin(url, file, xor).storage.release([])
    stored.storage.write_all([_taken(others, attrs)])

    def beats():
        return {beat.trial_id: beat.beat for beat in stored.storage.beats(stored.id)}

    before = beats()
    with Heart(stored) as heart:
        while beats()[mine.id] == before[mine.id] or not heart.refused:
            continue
    assert heart.refused == {(others.id, claim)}
    assert beats()[others.id] == before[others.id]


def _taken(trial, attrs):
    from a3b_tune.storage.verbs import Change

    return Change(trial.id, trial.claim, attrs=attrs)


def test_a_worker_that_takes_no_step_for_too_long_ends(stored, monkeypatch):
    monkeypatch.setattr("a3b_tune.tuning.liveness.HANG", 0.0)
    ended = []
    with Heart(stored, lambda: ended.append(True)):
        deadline = time.monotonic() + 60.0
        while not ended and time.monotonic() < deadline:
            continue
    assert ended
