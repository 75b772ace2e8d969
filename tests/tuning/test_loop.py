import pytest
import torch
from optuna.trial import TrialState

from a3b_tune.errors import InputError
from a3b_tune.study import override
from a3b_tune.training import Prepared
from a3b_tune.tuning import records
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.events import EpochDone, LostFound, TrialEnded, TrialStarted
from a3b_tune.tuning.loop import BrokenRun, Limits, Run
from a3b_tune.tuning.sampling import derived_seed
from tests.tuning.conftest import DEAD, begin, hold_as, run
from tests.tuning.fake_learner import Fakes, Fate

TWO_AT_ONCE = ("study.pruner=none", "optimizer.lr=0.01", "model.pool=select")


def test_a_run_meets_its_budget_and_every_trial_ends_once(stored, xor):
    ending, events = run(stored, xor, 4)
    assert ending == "trials"
    trials = stored.study.trials
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert all(trial.state.is_finished() for trial in trials)
    ended = [event.number for event in events if isinstance(event, TrialEnded)]
    assert ended == [0, 1, 2, 3]


def test_a_study_runs_on_postgres_as_on_sqlite(new_database, file, xor):
    assert run(begin(new_database, file, xor), xor, 3)[0] == "trials"
    again = begin(new_database, file, xor)
    assert run(again, xor, 4)[0] == "trials"
    assert [trial.number for trial in again.study.trials] == [0, 1, 2, 3]
    assert all(trial.state.is_finished() for trial in again.study.trials)


def test_a_second_run_goes_on_and_never_beyond(url, stored, file, xor):
    run(stored, xor, 2)
    again = begin(url, file, xor)
    run(again, xor, 3)
    assert len(again.study.trials) == 3
    ending, events = run(again, xor, 3)
    assert (ending, events) == ("trials", [])


def test_the_record_is_enough_to_run_the_trial_again(stored, xor):
    from a3b_tune.training import PlainLearner, recipe_from

    run(stored, xor, 2)
    for trial in stored.study.trials:
        record = trial.user_attrs[records.RECORD]
        assert record["data_hash"] == xor.dataset.data_hash
        assert record["threads"] == 1
        assert {"versions", "commit", "device", "settings", "seed"} <= set(record)
        learner = PlainLearner(recipe_from(record["settings"], record["seed"]), xor)
        curve = [epoch.value for _, epoch in zip(trial.intermediate_values, learner.epochs())]  # noqa: B905
        assert curve == list(trial.intermediate_values.values())


def test_a_perfect_trial_is_finished_early_with_its_reason(url, file, xor):
    perfect = ("model.pool=max", "optimizer.lr=0.03", "training.epochs=9", "model.width=8")
    stored = begin(url, file, xor, *perfect)
    _, events = run(stored, xor, 2)
    ended = [e for e in events if isinstance(e, TrialEnded) and e.value == 1.0]
    assert ended
    for event in ended:
        assert event.reason == f"reached 1.0 in epoch {event.best_epoch}"
        assert len(stored.study.trials[event.number].intermediate_values) == event.best_epoch


def test_stopping_puts_the_running_trial_back_and_the_next_run_ends_it(url, file, xor):
    stored = begin(url, file, xor, *TWO_AT_ONCE)
    reasons = iter([None] * 60)
    ending, events = run(stored, xor, 3, stop=lambda: next(reasons, "Ctrl-C"))
    assert ending == "Ctrl-C"
    last = [event for event in events if isinstance(event, TrialEnded)][-1]
    assert last.state == "put back"
    assert stored.study.trials[last.number].state == TrialState.WAITING
    seed = stored.study.trials[last.number].user_attrs[records.RECORD]["seed"]
    again = begin(url, file, xor, *TWO_AT_ONCE)
    assert run(again, xor, 3)[0] == "trials"
    trials = again.study.trials
    assert len(trials) == 3
    assert all(trial.state == TrialState.COMPLETE for trial in trials)
    assert trials[last.number].user_attrs[records.RECORD]["seed"] == seed


def test_a_run_whose_time_is_up_begins_nothing(stored, xor):
    assert run(stored, xor, 4, deadline=0.0) == ("timeout", [])
    assert stored.study.trials == []


def test_trials_of_a_dead_run_are_run_again_first(url, stored, file, xor):
    lost = ask(stored, 9, {})
    hold_as(stored, lost, DEAD)
    again = begin(url, file, xor)
    _, events = run(again, xor, 2)
    assert events[0] == LostFound([0])
    assert [event.number for event in events if isinstance(event, TrialStarted)] == [0, 1]


def test_a_diverged_trial_is_pruned_with_its_reason_and_the_run_goes_on(url, file, xor):
    stored = begin(url, file, xor, "optimizer.name=sgd", "optimizer.lr=1e30")
    ending, _ = run(stored, xor, 3)
    assert ending == "trials"
    for trial in stored.study.trials:
        assert trial.state == TrialState.PRUNED
        assert trial.user_attrs[records.REASON].startswith("diverged: mean loss")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("no room"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_trial_out_of_memory_fails_and_the_next_ones_run(stored, xor, error):
    first = derived_seed(0, 0, "trial")
    fakes = Fakes(lambda recipe: Fate(error=error, breaks=1 if recipe.seed == first else None), 1)
    assert run(stored, xor, 3, fakes=fakes)[0] == "trials"
    states = [trial.state for trial in stored.study.trials]
    assert states[0] == TrialState.FAIL
    assert TrialState.FAIL not in states[1:]
    assert stored.study.trials[0].user_attrs[records.REASON] == "out of memory"


@pytest.mark.parametrize("slots", [1, 4])
def test_an_error_in_every_trial_ends_the_run_after_three(stored, xor, slots):
    fakes = Fakes(lambda recipe: Fate(error=RuntimeError("boom\nmore"), breaks=1), slots)
    with pytest.raises(BrokenRun, match=r"3 trials in a row failed.*RuntimeError: boom"):
        run(stored, xor, 9, fakes=fakes)
    failed = [trial for trial in stored.study.trials if trial.state == TrialState.FAIL]
    assert len(failed) == 3
    assert TrialState.RUNNING not in {trial.state for trial in stored.study.trials}
    assert failed[0].user_attrs[records.REASON] == "error: RuntimeError: boom"
    assert "Traceback" in failed[0].user_attrs[records.TRACEBACK]


def test_a_fault_of_the_storage_is_told_and_finished_trials_are_kept(stored, xor, monkeypatch):
    import sqlite3

    from sqlalchemy.exc import OperationalError

    run(stored, xor, 2)

    def full(*_, **__):
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(stored.storage, "write_all", full)
    with pytest.raises(InputError, match="the disk is full"):
        run(stored, xor, 4)
    assert sum(trial.state.is_finished() for trial in stored.study.trials) == 2


def test_a_display_that_cannot_write_puts_the_trial_back(url, file, xor):
    stored = begin(url, file, xor, *TWO_AT_ONCE)

    def full(event):
        if isinstance(event, EpochDone):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        Run(stored, xor, Limits(3, None, lambda: None), full, stack="3")()
    assert {trial.state for trial in stored.study.trials} == {TrialState.WAITING}


def test_every_epoch_is_told_as_it_ends(url, file, xor):
    stored = begin(url, file, xor, *TWO_AT_ONCE)
    _, events = run(stored, xor, 1)
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [event.epoch.epoch for event in epochs] == [1, 2]
    assert all(event.epochs == 2 for event in epochs)


def test_a_study_with_nothing_to_search_trains_its_settings_on_new_seeds(url, file, xor):
    fixed = override(file, ["model.width=4", "model.pool=mean", "optimizer.lr=0.01"])
    stored = begin(url, fixed, xor)
    _, events = run(stored, xor, 3)
    started = [event for event in events if isinstance(event, TrialStarted)]
    assert [event.repeats for event in started] == [None, 0, 0]
    seeds = {trial.user_attrs[records.RECORD]["seed"] for trial in stored.study.trials}
    assert len(seeds) == 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_study_runs_on_a_gpu(stored, xor):
    on_gpu = Prepared(xor.dataset, torch.device("cuda"))
    assert run(stored, on_gpu, 2)[0] == "trials"


def test_a_study_runs_in_real_stacks(url, file, xor):
    stored = begin(url, file, xor, "model.pool=max", "model.width=4", "study.pruner=none")
    ending, events = run(stored, xor, 7, stack="3")
    assert ending == "trials"
    trials = stored.study.trials
    assert len(trials) == 7
    assert all(trial.state.is_finished() for trial in trials)
    assert {trial.user_attrs[records.RECORD]["stack"] for trial in trials} == {3}
    ended = sorted(event.number for event in events if isinstance(event, TrialEnded))
    assert ended == list(range(7))
