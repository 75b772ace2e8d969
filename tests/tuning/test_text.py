"""Trials on text: fewer bits are better all through, rounds are evaluations, time may end them."""

import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState

from a3b_tune.errors import InputError
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import BITS, loads, override
from a3b_tune.training.shape import Shape
from a3b_tune.tuning import records
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.events import EpochDone, TrialEnded
from a3b_tune.tuning.loop import Limits, Run
from a3b_tune.tuning.measured import epoch_of, epoch_record, rounds_of
from a3b_tune.tuning.pruning import should_prune
from a3b_tune.tuning.stacking import MAX_TIME
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on, open_study, study_names
from a3b_tune.tuning.trials import write_all
from a3b_tune.tuning.turns import Turn
from a3b_tune.tuning.watching import Watch
from tests.tuning.conftest import TEXT_FILE, begin_text, run, short_text
from tests.tuning.fake_learner import Fakes, Fate, final, scores
from tests.tuning.test_stacking import seeds

pytestmark = pytest.mark.usefixtures("no_pictures")


def told(stored, bits, state="complete"):
    """A trial that reported these bits and ended so."""
    trial = ask(stored, 99, {})
    for epoch, value in enumerate(bits, 1):
        trial.report(value, {"epoch": epoch, "bits": value})
        trial.should_prune()  # some pruners note what they have seen
    if state == "complete":
        trial.complete()
    else:
        trial.prune("behind")
    write_all([trial])
    return trial


def test_a_study_of_text_says_what_it_is_about(url, letters):
    stored = begin_text(url, letters)
    found = open_study(stored.storage, "letters")
    assert found.study.direction == StudyDirection.MINIMIZE
    attrs = found.study.user_attrs
    assert attrs[records.STUDY_DATA] == {
        "name": "toy", "hash": letters.dataset.data_hash, "train": 200, "validation": 200,
        "test": 200, "vocabulary": 4, "unit": "character",
    }  # fmt: skip
    assert attrs[records.STUDY_CEILING] is None
    floor = attrs[records.STUDY_FLOOR]
    assert (floor["value"], floor["error"]) == (0.548, 0.001)
    assert "grammar" in floor["why"]


def test_a_text_of_unknown_source_has_no_floor(url):
    file = loads(TEXT_FILE, "letters.toml")
    stored = begin_or_go_on(open_storage(url, create=True), file, short_text(known=False))
    assert stored.study.user_attrs[records.STUDY_FLOOR] is None


@pytest.mark.parametrize("length", ["200", "8|200", "8..200"])
def test_a_text_shorter_than_the_longest_window_leaves_no_study(url, letters, length):
    with pytest.raises(InputError, match=r"data.max_length: 200 .* the longest that fits is 199"):
        begin_text(url, letters, f"data.max_length={length}")
    assert study_names(open_storage(url)) == []


def test_another_text_is_refused(url, letters):
    begin_text(url, letters)
    file = loads(TEXT_FILE, "letters.toml")
    with pytest.raises(InputError, match="its text is not the one the study began with"):
        begin_or_go_on(open_storage(url), file, short_text(300))


def test_other_samples_go_on_with_the_same_study(url, letters):
    first = begin_text(url, letters)
    again = begin_text(url, letters, "samples.temperature=0", "samples.length=0")
    assert again.id == first.id
    assert open_study(first.storage, "letters").file.samples.temperature == 0.0


def test_a_trial_goes_by_its_fewest_bits_and_the_earlier_of_two(url, letters):
    stored = begin_text(url, letters)
    trial = told(stored, [2.0, 1.5, 1.5])
    assert (trial.best_epoch, trial.best_value) == (2, 1.5)
    assert stored.study.best_trial.number == trial.number
    assert stored.study.best_value == 1.5
    better = told(stored, [1.4, 1.6])
    assert stored.study.best_trial.number == better.number


@pytest.mark.parametrize("pruner", ["median", "asha", "hyperband", "percentile"])
def test_a_pruner_stops_who_has_more_bits_and_keeps_who_has_fewer(url, letters, pruner):
    stored = begin_text(url, letters, f"study.pruner={pruner}", "training.steps=90")
    for _ in range(8):
        told(stored, [1.0, 0.9, 0.8])
    bad, good = ask(stored, 99, {}), ask(stored, 99, {})
    bad.values.update({1: 1.8, 2: 1.8, 3: 1.8})
    good.values.update({1: 0.7, 2: 0.6, 3: 0.5})
    if pruner != "hyperband":  # a bracket of its own decides there
        assert should_prune(stored.view.study, bad.frozen)
    assert not should_prune(stored.view.study, good.frozen)


def test_patience_looks_for_fewer_bits(url, letters):
    spec = ("study.pruner=patient", "study.pruner.min_delta=0.01", "training.steps=200")
    trial = ask(begin_text(url, letters, *spec), 1, {})
    trial.values.update({epoch: 2.0 - 0.1 * epoch for epoch in range(1, 7)})
    assert not should_prune(trial.stored.view.study, trial.frozen)
    trial.values.update(dict.fromkeys(range(7, 12), 1.42))
    assert should_prune(trial.stored.view.study, trial.frozen)


def test_a_shape_loses_where_others_have_fewer_bits(url, letters):
    stored = begin_text(url, letters)
    of = {4: [], 8: []}
    while min(map(len, of.values())) < 8:
        trial = ask(stored, 99, {})
        width = trial.params["model.head_width"]
        trial.report(1.0 if width == 4 else 2.0, {"epoch": 1})
        trial.complete()
        write_all([trial])
        of[width].append(trial)
    for width, left in ((4, 99.0), (8, 0.0)):
        turn = Turn(stored.view, Shape.of(of[width][0].settings), 99.0, 1)
        turn.ended(of[width])
        assert turn.left == left


def test_rounds_are_what_a_trial_is_trained_for(url, letters):
    fakes = Fakes(lambda recipe: Fate((3.0, 2.0, 1.0)), 2)
    stored = begin_text(url, letters)
    ending, events = run(stored, letters, 4, fakes=fakes)
    assert ending == "trials"
    assert [t.value for t in stored.study.trials] == [1.0] * 4
    done = [e for e in events if isinstance(e, EpochDone)]
    assert {e.epochs for e in done} == {3}
    assert sorted(e.epoch.epoch for e in done) == sorted([1, 2, 3] * 4)


def test_no_number_of_bits_ends_a_trial_early(url, letters):
    """With accuracy a value of 1 and more would."""
    fakes = Fakes(lambda recipe: Fate((9.0, 1.0, 0.0)), 1)
    stored = begin_text(url, letters)
    run(stored, letters, 1, fakes=fakes)
    (trial,) = stored.study.trials
    assert len(trial.intermediate_values) == 3
    assert trial.user_attrs[records.REASON] is None


def test_an_epoch_of_text_is_stored_with_its_scores_looks_and_sample(url, letters):
    stored = begin_text(url, letters)
    _, events = run(stored, letters, 1, fakes=Fakes(lambda recipe: Fate((2.0,)), 1))
    (trial,) = stored.study.trials
    kept = trial.user_attrs[records.EPOCHS]
    heard = [event.epoch for event in events if isinstance(event, EpochDone)]
    assert [epoch_of(record, "bits") for record in kept] == heard
    assert [epoch_record(epoch, "bits") for epoch in heard] == kept
    assert kept[0]["bits"] == 2.0
    assert "final_bits" not in kept[1]
    assert kept[2]["final_bits"] == final(2.0)["final_bits"]
    assert all(record["sample"] and record["looks"] for record in kept)


@pytest.mark.parametrize("slots", [1, 3])
def test_a_trial_completes_at_its_first_evaluation_after_its_time(url, letters, slots):
    """Each epoch says that it took 20 s, so the third is the first after 50."""
    fakes = Fakes(lambda recipe: Fate((3.0, 2.0, 1.0), seconds=20.0), slots)
    stored = begin_text(url, letters, "training.steps=90", "training.max_time=50s")
    _, events = run(stored, letters, 3, fakes=fakes)
    for trial in stored.study.trials:
        assert (trial.state, trial.value) == (TrialState.COMPLETE, 1.0)
        assert trial.user_attrs[records.REASON] == MAX_TIME
        *before, last = trial.user_attrs[records.EPOCHS]
        assert len(before) == 2
        assert not any("final_bits" in record for record in before)
        assert {**scores(1.0), **final(1.0)}.items() <= last.items()
    done = [e for e in events if isinstance(e, EpochDone) and e.epoch.epoch == 3]
    assert len(done) == 3
    assert all("final_bits" in event.epoch.scores for event in done)
    assert sum(learner.finals for learner in fakes.opened) == 3


def test_a_trial_that_ends_by_itself_is_not_scored_twice(url, letters):
    fakes = Fakes(lambda recipe: Fate((1.0,), seconds=20.0), 1)
    stored = begin_text(url, letters, "training.max_time=50s")
    run(stored, letters, 1, fakes=fakes)
    assert stored.study.trials[0].user_attrs[records.REASON] is None
    assert fakes.opened[0].finals == 0


def test_a_trial_that_is_stopped_at_its_last_scores_loses_no_epoch(url, letters):
    """The scores of a trial out of time are made after its epoch has been noted."""
    fakes = Fakes(lambda recipe: Fate((1.0,), seconds=60.0), 1)
    stored = begin_text(url, letters, "training.max_time=50s", "study.checkpoint=1h")
    looked = []

    def stop() -> str | None:
        # Once the trial's first epoch is over: what follows is the making of its last scores.
        looked.append(bool(fakes.opened and fakes.opened[0].finals))
        return "Ctrl-C" if looked[-1] else None

    original = Fakes.open_learner

    def opened(self, shape, prepared, slots, should_stop, epochs_ahead):
        return original(self, shape, prepared, slots, lambda: stop() is not None, epochs_ahead)

    fakes.open_learner = opened.__get__(fakes)
    ending, _ = run(stored, letters, 1, stop=stop, fakes=fakes)
    assert ending == "Ctrl-C"
    (trial,) = stored.storage.get_all_trials(stored.id)
    assert trial.state == TrialState.WAITING
    assert trial.intermediate_values == {1: 1.0}
    assert stored.storage.load_checkpoints([trial._trial_id])[trial._trial_id].step == 1
    again = Fakes(lambda recipe: Fate((1.0,), seconds=60.0), 1)
    run(StoredStudy(stored.storage, stored.study, stored.file), letters, 1, fakes=again)
    (trial,) = stored.storage.get_all_trials(stored.id)
    assert trial.state == TrialState.COMPLETE
    assert trial.intermediate_values == {1: 1.0, 2: 1.0}
    assert trial.user_attrs[records.REASON] == MAX_TIME


def test_others_hear_of_bits_and_of_rounds(url, letters):
    stored = begin_text(url, letters)
    heard = []
    watch = Watch(stored, heard.append, lambda: [])
    fakes = Fakes(lambda recipe: Fate((3.0, 1.0, 2.0)), 1)
    run(begin_text(url, letters), letters, 1, fakes=fakes)
    watch.look()
    done = [event for event in heard if isinstance(event, EpochDone)]
    assert [(event.epochs, event.epoch.value) for event in done] == [(3, 3.0), (3, 1.0), (3, 2.0)]
    (ended,) = (event for event in heard if isinstance(event, TrialEnded))
    assert (ended.value, ended.best_epoch) == (1.0, 2)


def test_a_trial_that_diverges_counts_against_its_settings(url, letters):
    lost = seeds(0)
    fakes = Fakes(lambda r: Fate((1.0,), diverges=1 if r.seed in lost else None), 1)
    stored = begin_text(url, letters)
    run(stored, letters, 2, fakes=fakes)
    assert [t.state for t in stored.study.trials] == [TrialState.PRUNED, TrialState.COMPLETE]


def test_rounds_of_settings_are_those_of_the_file():
    file = loads(TEXT_FILE, "letters.toml")
    assert rounds_of(file.fixed()) == file.rounds == 3
    assert rounds_of({"training.epochs": 7}) == 7
    assert file.metric == BITS


def test_samples_and_windows_leave_trials_one_shape(url, letters):
    file = override(loads(TEXT_FILE, "letters.toml"), ["samples.temperature=0.5"])
    stored = begin_or_go_on(open_storage(url, create=True), file, letters.dataset)
    trials = [ask(stored, 99, {}) for _ in range(9)]
    shapes = {Shape.of(trial.settings) for trial in trials}
    assert len(shapes) == len({trial.settings["model.head_width"] for trial in trials})
    assert trials[0].settings["samples.temperature"] == 0.5


def test_real_learners_train_a_study_of_text(url, letters):
    stored = begin_text(url, letters)
    limits = Limits(2, None, lambda: None)
    assert Run(stored, letters, limits, lambda event: None, stack="1")() == "trials"
    for trial in stored.study.trials:
        assert trial.state == TrialState.COMPLETE
        *_, last = trial.user_attrs[records.EPOCHS]
        assert {"bits", "bits_all", "final_bits", "final_bits_all"} <= last.keys()
        assert len(last["sample"]) == 16
