"""The model of a study's best trial is found again, or it is said why there is none."""

import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.models import best_model
from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning.keeping import MODEL, kept
from a3b_tune.tuning.studies import open_study
from tests.results import building
from tests.tuning.conftest import begin_text, letters, no_pictures, run
from tests.tuning.fake_learner import Fakes, Fate
from tests.tuning.test_stacking import seeds

__all__ = ["letters", "no_pictures"]
pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture
def searched(url, letters):
    """Of four trials the third has the fewest bits."""
    bits = {0: 1.5, 1: 1.7, 2: 1.2, 3: 1.3}
    of = {seed: bits[number] for number in bits for seed in seeds(number)}
    stored = begin_text(url, letters)
    run(stored, letters, 4, fakes=Fakes(lambda recipe: Fate((of[recipe.seed],)), 1))
    return open_study(open_storage(url), "letters")


def path_of(stored, number):
    notes = stored.study.get_trials()[number].system_attrs
    return artifact_folder(stored.storage.url) / kept(notes, MODEL)


def test_the_best_trials_model_is_found(searched):
    (seed,) = seeds(2)
    assert best_model(searched) == (2, f"model of seed {seed} after 3".encode())


def test_a_model_that_lies_elsewhere_is_told_with_its_place(searched):
    path = path_of(searched, 2)
    path.unlink()
    with pytest.raises(InputError) as error:
        best_model(searched)
    assert "study 'letters'" in str(error.value)
    assert f"the model of trial 2 cannot be read, {path}: no such file" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_study_without_a_complete_trial_has_none(url, letters):
    with pytest.raises(InputError, match="no trial is complete whose model was kept"):
        best_model(begin_text(url, letters))


def test_of_rows_no_model_is_kept(url):
    stored = building.told(url, [([0.5], "complete")])
    with pytest.raises(InputError, match="no model is kept of xor, only of text"):
        best_model(stored)
