"""What all learners have in common, the one included that only pretends."""

import pytest
import torch

from a3b_tune.data.load import load
from a3b_tune.training import BadSnapshot, Diverged, Prepared, Stopped
from a3b_tune.training.learner import never
from a3b_tune.training.opening import open_learner
from tests.training.conftest import recipe
from tests.training.test_stacked import shape_of
from tests.tuning.fake_learner import Fakes, Foul

WANTED = recipe(1, training__epochs=3, training__batch_size=32)


@pytest.fixture(scope="module")
def few() -> Prepared:
    return Prepared(load("xor").sample(64, 0), torch.device("cpu"))


@pytest.fixture(params=["plain", "stacked", "fake"])
def opened(request, few):
    """Opens a learner for `WANTED`."""
    slots = 1 if request.param == "plain" else 3
    how = Fakes().open_learner if request.param == "fake" else open_learner

    def opened(should_stop=never):
        return how(shape_of(WANTED), few, slots, should_stop, 1)

    return opened


def test_from_a_snapshot_the_next_epoch_is_the_one_after(opened):
    learner, other = opened(), opened()
    name = learner.add(WANTED)
    for done in range(2):
        saved = learner.save(name)
        again = other.add(WANTED, saved)
        assert other.epoch()[again].epoch == done + 1
        other.remove(again)
        learner.epoch()
    whole = learner.epoch()[name]
    assert whole.epoch == 3


def test_a_member_can_be_saved_when_its_epochs_are_done_but_not_taken_up(opened):
    learner = opened()
    name = learner.add(WANTED)
    for _ in range(3):
        learner.epoch()
    saved = learner.save(name)
    learner.remove(name)
    with pytest.raises(BadSnapshot):
        learner.add(WANTED, saved)
    assert learner.room == learner.slots


def test_a_bad_snapshot_takes_no_slot(opened):
    learner = opened()
    saved = learner.save(learner.add(WANTED))
    learner = opened()
    for bad, own in ((b"no", WANTED), (saved[:-1], WANTED), (saved, recipe(2))):
        with pytest.raises(BadSnapshot):
            learner.add(own, bad)
    assert learner.room == learner.slots
    learner.add(WANTED, saved)
    assert learner.room == learner.slots - 1


def test_in_the_middle_of_an_epoch_there_is_nothing_to_save(opened):
    """Stopped before the first step, too: the order of the epoch is drawn by then."""
    learner = opened(lambda: True)
    name = learner.add(WANTED)
    with pytest.raises(Stopped):
        learner.epoch()
    with pytest.raises((ValueError, Foul), match="the last epoch was not ended"):
        learner.save(name)


def test_of_a_member_that_has_diverged_there_is_nothing_to_save(few):
    wild = recipe(1, optimizer__name="sgd", optimizer__lr=1e30, training__epochs=3)
    for slots in (1, 2):
        learner = open_learner(shape_of(wild), few, slots, never, 1)
        name = learner.add(wild)
        assert isinstance(learner.epoch()[name], Diverged)
        with pytest.raises(ValueError, match="the last epoch was not ended"):
            learner.save(name)
