"""Replays against studies that really ran, with learners whose curves are told beforehand."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import torch

from a3b_tune.results.replay import Curve, Limit, Replay, curves
from a3b_tune.results.trials import rows
from a3b_tune.study import ACCURACY
from a3b_tune.training import Prepared
from a3b_tune.tuning.loop import Limits, Run
from a3b_tune.tuning.pruning import build_pruner
from tests.results import building
from tests.results.quickly import told_quickly
from tests.tuning.fake_learner import Fakes, Fate

EPOCHS = 6
PRUNERS = ("hyperband", "asha", "median")


@pytest.fixture(scope="module", autouse=True)
def loaded_once():
    with told_quickly() as rows:
        yield rows


@pytest.fixture(scope="module")
def prepared(loaded_once):
    return Prepared(loaded_once, torch.device("cpu"))


def fate(recipe) -> Fate:
    """Curves that rise and cross each other; one in six trials diverges."""
    draws = random.Random(recipe.seed)
    height, speed = draws.uniform(0.5, 0.95), draws.uniform(0.2, 1.0)
    values = [height - 0.4 * (1 - speed) ** e + draws.gauss(0, 0.02) for e in range(EPOCHS)]
    diverges = draws.randint(1, EPOCHS) if draws.random() < 1 / 6 else None
    return Fate(tuple(values), diverges, seconds=draws.uniform(0.01, 0.03))


def ran(url, prepared, pruner, trials=12, slots=1):
    stored = building.begun(url, f"study.pruner={pruner}", f"training.epochs={EPOCHS}")
    fakes = Fakes(fate, slots)
    limits = Limits(trials, None, lambda: None)
    how = {"open_learner": fakes.open_learner, "sizes": fakes}
    Run(stored, prepared, limits, lambda event: None, **how)()
    return stored


def replayed(stored, pruner=None, limit=None):
    file = stored.file if pruner is None else building.file(f"study.pruner={pruner}")
    found = curves(rows(stored.study), ACCURACY)
    if pruner is not None:
        file = file.model_copy(update={"training": stored.file.training})
    name = stored.file.study.name
    return found, Replay(name, ACCURACY, found, build_pruner(file), limit or Limit())()


@pytest.mark.parametrize("pruner", PRUNERS)
def test_one_trial_at_a_time_a_replay_is_exact(url, prepared, pruner):
    stored = ran(url, prepared, pruner)
    found, lived = replayed(stored)
    assert {one.fate for one in lived} >= {"complete", "pruned"}
    assert len(lived) == len(found) == 12
    assert all(one.as_it_ran for one in lived)


def test_what_another_pruner_cuts_is_what_it_cuts_in_a_study_of_its_own(tmp_path, prepared):
    """The same trials (a random sampler, the same seeds) under no pruner, replayed under Hyperband,
    end where those of a study with Hyperband ended."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    whole = ran(building.url_in(one), prepared, "none", 9)
    cut = ran(building.url_in(other), prepared, "hyperband", 9)
    _, lived = replayed(whole, "hyperband")
    theirs = {row.number: len(row.epochs) for row in rows(cut.study)}
    assert {one.curve.number: one.epochs for one in lived} == theirs
    assert all(one.fate != "unknown" for one in lived)


def test_what_was_cut_cannot_be_followed(url, prepared):
    found, lived = replayed(ran(url, prepared, "asha", 8), "none")
    cut = {curve.number for curve in found if curve.end == "cut"}
    unknown = [one for one in lived if one.fate == "unknown"]
    assert cut and {one.curve.number for one in unknown} == cut
    assert all(one.epochs + one.more == EPOCHS for one in unknown)
    each = unknown[0]
    assert each.more_seconds == pytest.approx(each.more * each.seconds / each.epochs)


def test_trials_of_a_stack_are_side_by_side_again(url, prepared):
    stored = ran(url, prepared, "none", trials=6, slots=3)
    found, lived = replayed(stored)
    assert max(curve.company for curve in found) == 2
    assert found[0].company == 0
    assert all(one.as_it_ran for one in lived)


def curve(number, values, company=0, end="complete", seconds=1.0):
    times = (seconds,) * len(values)
    return Curve(number, tuple(values), times, times, 3, end, company)


def lives(made, name="median", limit=None):
    file = building.file(f"study.pruner={name}", "training.epochs=3")
    return Replay("small", ACCURACY, made, build_pruner(file), limit or Limit())()


def test_a_trial_begins_when_as_few_run_as_then():
    """With one place the good trials end before the bad one; side by side the bad one is ahead of
    them, so that there is nobody yet to be behind."""
    file = "percentile"
    goods = [curve(n, (0.9, 0.9, 0.9)) for n in range(6)]
    bad = curve(6, (0.1, 0.1, 0.1))
    assert lives([*goods, bad], file)[-1].fate == "pruned"
    together = [replace(each, company=n) for n, each in enumerate([*goods, bad])]
    assert {one.fate for one in lives(together, file)} == {"complete"}


def test_a_study_ends_with_its_trials_or_its_time():
    made = [curve(n, (0.5, 0.6, 0.7)) for n in range(4)]
    assert [one.curve.number for one in lives(made, limit=Limit(trials=2))] == [0, 1]
    first, second = lives(made, limit=Limit(seconds=4.0))
    assert (first.fate, second.fate, second.epochs) == ("complete", "stopped", 1)


def test_a_failed_trial_fails_again_and_one_without_an_epoch_costs_nothing():
    dead = curve(0, (), end="itself")
    lived = lives([dead, curve(1, (0.5,), end="itself")])
    assert [(one.fate, one.epochs, one.seconds) for one in lived] == [
        ("itself", 0, 0.0),
        ("itself", 1, 1.0),
    ]


def test_an_interrupted_trial_s_time_is_its_own(mixed):
    row = next(row for row in rows(mixed.study) if row.state == "complete")
    began = datetime(2026, 1, 1, tzinfo=UTC)
    row = replace(row, started=began, ended=began + timedelta(seconds=75))
    assert sum(curves([row], ACCURACY)[0].wall) == pytest.approx(75)
    again = replace(row, interruptions=["Ctrl-C"])
    assert sum(curves([again], ACCURACY)[0].wall) == pytest.approx(sum(again.stack * e["seconds"]
        + again.stack * e["evaluation_seconds"] for e in again.epochs))  # fmt: skip


def test_trials_that_have_not_ended_are_left_out(mixed):
    states = {row.number: row.state for row in rows(mixed.study)}
    found = {each.number: each.end for each in curves(rows(mixed.study), ACCURACY)}
    assert set(found) == {n for n, state in states.items() if state != "running"}
    assert found[1] == "cut" and found[2] == "itself" and found[3] == "itself"
