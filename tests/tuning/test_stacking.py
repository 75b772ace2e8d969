import itertools

import pytest
from optuna.trial import TrialState

from a3b_tune.training.shape import Shape
from a3b_tune.tuning import records
from a3b_tune.tuning.events import EpochDone, TrialEnded, TrialStarted
from a3b_tune.tuning.sampling import derived_seed
from tests.tuning.conftest import begin, run
from tests.tuning.fake_learner import Fakes, Fate

ONE_SHAPE = (
    "model.width=4",
    "model.pool=max",
    "study.pruner=none",
    "study.sampler=random",
    "training.epochs=3",
)


def seeds(*numbers):
    return {derived_seed(0, number, "trial") for number in numbers}


def states(stored):
    return [trial.state for trial in stored.study.trials]


def epochs_of(events, number):
    return [e.epoch.epoch for e in events if isinstance(e, EpochDone) and e.number == number]


def test_a_slot_is_refilled_at_once_and_the_others_go_on(url, file, xor):
    """Trials 1 and 3 diverge in their first epoch; those that take their slots begin anew."""
    stored = begin(url, file, xor, *ONE_SHAPE)
    diverging = seeds(1, 3)
    fakes = Fakes(lambda r: Fate(diverges=1 if r.seed in diverging else None), 3)
    ending, events = run(stored, xor, 6, fakes=fakes)
    assert ending == "trials"
    assert [(learner.slots, learner.added) for learner in fakes.opened] == [(3, 6)]
    for number in (0, 2, 4, 5):
        assert epochs_of(events, number) == [1, 2, 3]
    pruned = [trial.number for trial in stored.study.trials if trial.state == TrialState.PRUNED]
    assert pruned == [1, 3]
    assert stored.study.trials[1].user_attrs[records.REASON] == "diverged: in epoch 1"
    begun = [e.number for e in events if isinstance(e, TrialStarted)]
    ended = [e.number for e in events if isinstance(e, TrialEnded)]
    assert begun == [0, 1, 2, 3, 4, 5]
    assert ended == [1, 3, 0, 2, 4, 5]


def test_members_that_end_together_are_written_together(url, file, xor, monkeypatch):
    stored = begin(url, file, xor, *ONE_SHAPE)
    write_all, sizes = stored.storage.write_all, []

    def counted(changes):
        sizes.append(sum(change.state is not None for change in changes))
        return write_all(changes)

    monkeypatch.setattr(stored.storage, "write_all", counted)
    run(stored, xor, 5, fakes=Fakes(asked=5))
    assert [size for size in sizes if size] == [5]


@pytest.mark.parametrize(("sampler", "slots"), [("tpe", 10), ("random", 40)])
def test_a_sampler_that_learns_hears_of_trials_in_at_least_four_rounds(
    url, file, xor, sampler, slots
):
    stored = begin(url, file, xor, *ONE_SHAPE, f"study.sampler={sampler}")
    fakes = Fakes(asked=40)
    run(stored, xor, 40, fakes=fakes)
    assert fakes.opened[0].slots == slots


def test_each_stack_has_one_shape_and_takes_no_more_than_its_turn(url, file, xor):
    stored = begin(url, file, xor, "study.pruner=none")
    fakes = Fakes(asked=4)
    run(stored, xor, 36, fakes=fakes)
    assert len(stored.study.trials) == 36
    # Six shapes: 36 / 6 trials for each.
    assert all(learner.added <= 6 for learner in fakes.opened)
    for trial in stored.study.trials:
        settings = trial.user_attrs[records.RECORD]["settings"]
        assert any(learner.shape.fits(settings) for learner in fakes.opened)


def test_the_last_stacks_are_this_workers_share_of_what_is_left(url, file, xor):
    from a3b_tune.tuning.loop import Limits, Run

    stored = begin(url, file, xor, *ONE_SHAPE)
    fakes = Fakes(asked=64)
    limits = Limits(20, None, lambda: None)
    run = Run(stored, xor, limits, lambda event: None, workers=2,
              open_learner=fakes.open_learner, sizes=fakes)  # fmt: skip
    assert run() == "trials"
    assert fakes.opened[0].slots == 10
    assert len(stored.study.trials) == 20


def test_waiting_trials_of_another_shape_have_the_next_stack(url, file, xor):
    """While one waits, a stack is filled once and not refilled with new trials."""
    stored = begin(url, file, xor, "study.pruner=none")
    for width in (4, 8, 4, 8):
        stored.study.enqueue_trial({"model.width": width, "model.pool": "max"})
    fakes = Fakes(asked=3)
    run(stored, xor, 12, fakes=fakes)
    assert states(stored) == [TrialState.COMPLETE] * 12
    widths = [dict(learner.shape.settings)["model.width"] for learner in fakes.opened]
    assert widths[:2] == [4, 8]
    # Trials 0 and 2, and one new; then 1 and 3 lead the next.
    assert fakes.opened[0].added == 3
    record = stored.study.trials[1].user_attrs[records.RECORD]
    assert fakes.opened[1].shape == Shape.of(record["settings"])


@pytest.mark.parametrize(("most", "sizes"), [(4, [8, 4]), (2, [8, 4, 2]), (1, [8, 4, 2, 1])])
def test_out_of_memory_halves_the_stack_and_loses_no_trial(url, file, xor, most, sizes):
    stored = begin(url, file, xor, *ONE_SHAPE)
    fakes = Fakes(asked=8, most=most)
    ending, events = run(stored, xor, 8, fakes=fakes)
    assert ending == "trials"
    assert list(dict.fromkeys(learner.slots for learner in fakes.opened)) == sizes
    assert fakes.too_many == sizes[:-1]
    assert states(stored) == [TrialState.COMPLETE] * 8
    reasons = {e.reason for e in events if isinstance(e, TrialEnded) and e.state == "put back"}
    assert "out of memory, in a stack of 8; next 4" in reasons


def test_one_guilty_trial_fails_alone_and_the_others_do_not(url, file, xor):
    stored = begin(url, file, xor, *ONE_SHAPE)
    guilty = seeds(2)
    error = RuntimeError("boom")
    fakes = Fakes(lambda r: Fate(error=error, breaks=2 if r.seed in guilty else None), 4)
    assert run(stored, xor, 8, fakes=fakes)[0] == "trials"
    failed = [trial.number for trial in stored.study.trials if trial.state == TrialState.FAIL]
    assert failed == [2]
    assert states(stored).count(TrialState.COMPLETE) == 7
    assert fakes.opened[0].slots == 4
    assert {learner.slots for learner in fakes.opened[1:]} == {1}
    assert stored.study.trials[2].user_attrs[records.REASON] == "error: RuntimeError: boom"


def test_other_shapes_stay_stacked_when_one_has_failed(url, file, xor):
    stored = begin(url, file, xor, "study.pruner=none", "study.sampler=random")

    def fate(recipe):
        return Fate(error=RuntimeError("boom"), breaks=1 if recipe.model["width"] == 4 else None)

    fakes = Fakes(fate, 4)
    with pytest.raises(Exception, match="3 trials in a row failed"):
        for _ in itertools.count():
            run(stored, xor, 60, fakes=fakes)
    wide = [x.slots for x in fakes.opened if dict(x.shape.settings)["model.width"] == 8]
    assert all(slots > 1 for slots in wide)


def test_ctrl_c_puts_every_member_back_and_the_next_run_ends_them(url, file, xor):
    stored = begin(url, file, xor, *ONE_SHAPE)
    looks = itertools.count()
    ending, events = run(
        stored, xor, 6, stop=lambda: "Ctrl-C" if next(looks) >= 4 else None, fakes=Fakes(asked=4)
    )
    assert ending == "Ctrl-C"
    back = [e for e in events if isinstance(e, TrialEnded) and e.state == "put back"]
    assert len(back) == 4
    assert states(stored) == [TrialState.WAITING] * 4
    again = begin(url, file, xor, *ONE_SHAPE)
    run(again, xor, 6, fakes=Fakes(asked=4))
    assert states(again) == [TrialState.COMPLETE] * 6
    assert all(sorted(trial.intermediate_values) == [1, 2, 3] for trial in again.study.trials)


def test_a_trial_that_reaches_the_top_ends_early_and_frees_its_slot(url, file, xor):
    stored = begin(url, file, xor, *ONE_SHAPE)
    perfect = seeds(0)
    fakes = Fakes(lambda r: Fate((1.0,) if r.seed in perfect else (0.5,)), 2)
    _, events = run(stored, xor, 3, fakes=fakes)
    assert epochs_of(events, 0) == [1]
    assert stored.study.trials[0].user_attrs[records.REASON] == "reached 1.0 in epoch 1"
    assert fakes.opened[0].added == 3


def test_a_pruner_judges_members_by_what_is_not_stored_yet(url, file, xor):
    stored = begin(url, file, xor, *ONE_SHAPE[:2], "study.pruner=asha", "training.epochs=9")
    fakes = Fakes(lambda r: Fate(((r.seed % 97) / 100,)), 9)
    run(stored, xor, 9, fakes=fakes)
    pruned = [trial for trial in stored.study.trials if trial.state == TrialState.PRUNED]
    assert pruned
    assert all(len(trial.intermediate_values) < 9 for trial in pruned)
    assert all("completed_rung_0" in trial.system_attrs for trial in pruned)
    best = max(stored.study.trials, key=lambda trial: trial.intermediate_values[1])
    assert best.state == TrialState.COMPLETE
