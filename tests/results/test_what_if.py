import json

import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.overview import study_overview
from a3b_tune.results.replay import Limit
from a3b_tune.results.what_if import asked_for, pruner_words, what_if
from tests.results import building
from tests.results.quickly import told_quickly

# Five that are good, then as many that are behind from the first epoch on, then the best of all,
# which begins badly.
CURVES = [([0.6, 0.7, 0.8], "complete")] * 5 + [([0.5, 0.5, 0.5], "complete")] * 5
LATE = ([0.5, 0.6, 0.9], "complete")


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """By what follows the good trials."""
    url = building.url_in(tmp_path_factory.mktemp("whatif"))
    early, cut = ([0.6, 0.85, 0.85], "complete"), ([0.5], "pruned: behind at epoch 1")
    outcomes = {
        "early": [*CURVES, early],
        "late": [*CURVES[:5], LATE],
        "cut": [CURVES[0], cut],
    }
    with told_quickly():
        yield {
            name: study_overview(building.told(url, told, f"study.name={name}"))
            for name, told in outcomes.items()
        }


def found(study, *words, limits=()):
    asked = [asked_for(study.file, each) for each in words]
    return what_if(study, asked, limits or [Limit()])


def test_the_pruner_that_saves_most_and_finds_the_same_is_offered(studies):
    told = found(studies["early"], "none", "median:warmup_epochs=2", "median")
    whole, patient, quick = told.others
    assert (told.winner, told.epochs) == (10, 33)
    assert (whole.epochs, whole.share, whole.regret) == (33, 1.0, 0.0)
    # The five behind are cut in their first epoch, or in their second.
    assert (quick.epochs, patient.epochs) == (23, 28)
    assert quick.counts == {"complete": 6, "pruned": 5, "itself": 0, "unknown": 0, "stopped": 0}
    assert quick.time_share == pytest.approx(23 / 33)
    assert told.better is quick
    assert quick.most_epochs == quick.epochs


def test_a_pruner_that_loses_the_winner_is_not_offered(studies):
    told = found(studies["late"], "median")
    (lost,) = told.others
    assert told.winner == 5
    assert (lost.winner, lost.value, lost.regret) == (0, 0.8, pytest.approx(0.1))
    assert told.better is None


def test_what_cannot_be_followed_makes_costs_a_range(studies):
    told = found(studies["cut"], "none")
    (all_of_it,) = told.others
    assert (all_of_it.unknown, all_of_it.epochs, all_of_it.most_epochs) == (1, 4, 6)
    assert all_of_it.most_seconds == pytest.approx(6 * 2.5)
    assert told.better is None


def test_the_study_s_own_pruner_tells_how_far_replays_go(studies):
    assert found(studies["early"], "median").own.alike == 11
    assert found(studies["cut"], "median").own.alike == 1


def test_the_study_s_own_pruner_is_never_the_better_one(studies):
    assert pruner_words(studies["cut"].file) == "none"
    assert found(studies["early"], "none").better is None


def test_budgets_are_replayed_too(studies):
    limits = [Limit(trials=3), Limit(seconds=20.0)]
    few, short = found(studies["early"], "none", limits=limits).others
    assert (few.begun, few.epochs, few.winner, few.regret) == (3, 9, 0, pytest.approx(0.05))
    assert (short.epochs, short.counts["stopped"]) == (8, 1)


def test_as_json_it_holds_everything(studies):
    told = json.loads(json.dumps(found(studies["early"], "median").to_json(), allow_nan=False))
    assert told["ran"]["winner"] == 10 and told["better"] == "median"
    assert told["replays"][0]["limit"] == {"trials": None, "seconds": None}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("asah", "--pruner asah: study.pruner: unknown pruner 'asah'; did you mean 'asha'"),
        ("asha:reduction=4", "did you mean 'reduction_factor'"),
        ("asha:reduction_factor", "write KEY=VALUE"),
        ("asha:reduction_factor=1", "reduction_factor"),
    ],
)
def test_a_pruner_that_there_is_not_is_told_in_one_line(studies, words, text):
    with pytest.raises(InputError) as told:
        asked_for(studies["early"].file, words)
    assert text in str(told.value) and "\n" not in str(told.value)


def test_options_are_read(studies):
    spec = asked_for(studies["early"].file, "asha:reduction_factor=4, min_resource=2").file.study
    assert spec.pruner.options | {"reduction_factor": 4, "min_resource": 2} == spec.pruner.options
