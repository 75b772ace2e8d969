"""Runs trained again: as the search trained them, whatever goes wrong beside them."""

import dataclasses
from functools import cache
from math import log2

import pytest
import torch

from a3b_tune.cli.confirming import _found
from a3b_tune.errors import InputError
from a3b_tune.finals import retraining
from a3b_tune.finals.contest import Contestant, Task
from a3b_tune.finals.retraining import Ended, Ground, Moved, Retraining
from a3b_tune.study import ACCURACY, BITS, loads
from a3b_tune.training import Stopped
from a3b_tune.training.prepared import load_dataset
from a3b_tune.training.stacked import StackedLearner
from tests.results import building
from tests.tuning.conftest import TEXT_FILE, short_text


@cache
def load_once(section, data_dir):
    return load_dataset(section, data_dir)


@pytest.fixture(autouse=True)
def all_at_once(monkeypatch):
    """Sizes are not measured and data is loaded once: both take longer than all else here."""
    monkeypatch.setattr(retraining, "load_dataset", load_once)
    monkeypatch.setattr(retraining.StackSizes, "size", lambda sizes, shape, most: most)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    stored = building.trained(building.url_in(tmp_path_factory.mktemp("again")), 4)
    return _found(stored.storage, "small", 4)


def trained(found, tasks, should_stop=lambda: False, **ground):
    """The outcomes by trial and seed, and how many epochs were told."""
    grounds = {"small": dataclasses.replace(found.entry.ground, **ground)}
    retrain = Retraining(grounds, torch.device("cpu"), should_stop)
    outcomes, moved = {}, 0
    for told in retrain(tasks):
        if isinstance(told, Moved):
            moved += told.epochs
        else:
            outcomes |= {(each.trial, each.seed): (each, told.slots) for each in told.outcomes}
    return outcomes, moved


def tasks_of(found, seeds, place=0):
    return [Task(found.entry.contestants[place], seed) for seed in seeds]


def test_on_the_search_s_own_seed_comes_what_the_search_said(found):
    for place, row in enumerate(found.best[:2]):
        outcomes, _ = trained(found, tasks_of(found, [row.seed], place))
        outcome, slots = outcomes[row.number, row.seed]
        assert slots == 1
        assert outcome.epoch == row.best_epoch
        assert outcome.value == pytest.approx(row.value, abs=1e-6)


def test_a_stack_gives_what_each_alone_gives_for_its_full_length(found):
    seeds = [1, 2, 3]
    stacked, moved = trained(found, tasks_of(found, seeds))
    assert moved == 3 * 3
    assert {slots for _, slots in stacked.values()} == {3}
    for task in tasks_of(found, seeds):
        alone, _ = trained(found, [task])
        for name, (outcome, _) in alone.items():
            assert stacked[name][0].value == pytest.approx(outcome.value, abs=1e-3)


def test_a_run_that_has_nothing_left_to_learn_ends_as_a_trial_does(found):
    """The search ends a trial at the metric's perfect value; here any model has that at once."""
    easy = dataclasses.replace(ACCURACY, perfect=0.1)
    outcomes, moved = trained(found, tasks_of(found, [1, 2]), metric=easy)
    assert moved == 2 * 3
    for outcome, _ in outcomes.values():
        assert (outcome.epoch, outcome.last) == (1, outcome.value)


def test_who_diverges_has_the_worst_value_and_a_fault(found):
    best = found.entry.contestants[0]
    wild = dataclasses.replace(best, settings={**best.settings, "optimizer.lr": 1e30})
    outcomes, _ = trained(found, [Task(wild, 1)])
    ((outcome, _),) = outcomes.values()
    assert outcome.value == outcome.last == 0.0
    assert outcome.epoch is None
    assert outcome.fault.startswith("diverged: ")


def test_of_bits_the_worst_value_is_what_guessing_costs(found):
    best = found.entry.contestants[0]
    wild = dataclasses.replace(best, settings={**best.settings, "optimizer.lr": 1e30})
    outcomes, _ = trained(found, [Task(wild, 1)], metric=BITS)
    ((outcome, _),) = outcomes.values()
    assert outcome.value == log2(2)


@pytest.mark.parametrize(
    ("error", "slots"), [(MemoryError(), {1, 2}), (ValueError("no luck"), {1})]
)
def test_a_stack_that_fails_is_done_smaller(found, monkeypatch, error, slots):
    """Without memory at half the size, after another error one by one; no run is lost."""
    whole = StackedLearner.epoch

    def epoch(learner):
        if learner.slots > 2 or isinstance(error, ValueError):
            raise error
        return whole(learner)

    monkeypatch.setattr(StackedLearner, "epoch", epoch)
    outcomes, _ = trained(found, tasks_of(found, [1, 2, 3, 4]))
    assert len(outcomes) == 4
    assert {stack for _, stack in outcomes.values()} <= slots
    assert not any(outcome.fault for outcome, _ in outcomes.values())


def test_who_fails_alone_has_the_worst_value_and_the_others_their_own(found, monkeypatch):
    add = retraining.recipe_from

    def recipe_from(settings, seed):
        if seed == 2:
            raise ValueError("no luck")
        return add(settings, seed)

    monkeypatch.setattr(retraining, "recipe_from", recipe_from)
    outcomes, _ = trained(found, tasks_of(found, [1, 2, 3]))
    faults = {seed: outcome.fault for (_, seed), (outcome, _) in outcomes.items()}
    assert faults == {1: None, 2: "ValueError: no luck", 3: None}


def test_other_data_is_refused(found):
    with pytest.raises(InputError, match="began with other data"):
        trained(found, tasks_of(found, [1]), hash="0")


def test_a_stop_ends_it_between_two_steps(found):
    with pytest.raises(Stopped):
        trained(found, tasks_of(found, [1, 2]), should_stop=lambda: True)


def test_a_text_is_valued_in_bits(monkeypatch):
    file, text = loads(TEXT_FILE, "letters.toml"), short_text()
    monkeypatch.setattr(retraining, "load_dataset", lambda *_: text)
    settings = {**file.fixed(), "model.head_width": 4, "optimizer.lr": 0.01}
    who = Contestant("letters", 0, settings, 0.5, 3)
    grounds = {"letters": Ground(file.data, text.data_hash, BITS)}
    retrain = Retraining(grounds, torch.device("cpu"), lambda: False)
    told = list(retrain([Task(who, 1), Task(who, 2)]))
    outcomes = [each for end in told if isinstance(end, Ended) for each in end.outcomes]
    assert len(outcomes) == 2
    assert all(0.0 < outcome.value <= outcome.last < 4.0 for outcome in outcomes)
