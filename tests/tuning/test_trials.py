from optuna.trial import TrialState

from a3b_tune.storage.verbs import Release
from a3b_tune.tuning import records
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.trials import put_back_all, write_all

ABOUT = {"device": "cpu", "versions": records.versions(), "commit": None, "data_hash": "abc"}


def frozen(stored, trial):
    return stored.storage.get_trial(trial.id)


def test_an_asked_trial_is_written_whole_with_its_record(stored):
    trial = ask(stored, 1, ABOUT)
    found = frozen(stored, trial)
    assert found.state == TrialState.RUNNING
    assert found.params == trial.params
    record = found.user_attrs[records.RECORD]
    assert record["seed"] == trial.seed
    assert record["settings"] == trial.settings
    assert record["data_hash"] == "abc"
    assert record["repeats"] is None
    assert found.user_attrs[records.WORKER] == records.this_worker().to_json()


def test_the_budget_is_all_trials_of_the_study(stored):
    assert [ask(stored, 2, {}).number for _ in range(2)] == [0, 1]
    assert ask(stored, 2, {}) is None
    assert ask(stored, 3, {}).number == 2


def test_complete_takes_the_best_epoch_and_the_first_among_equals(stored):
    trial = ask(stored, 1, {})
    for epoch, value in enumerate([0.5, 0.8, 0.7, 0.8], start=1):
        trial.report(value, {"epoch": epoch, "loss": 1.0 / epoch})
    trial.complete("because")
    write_all([trial])
    found = frozen(stored, trial)
    assert (found.state, found.value) == (TrialState.COMPLETE, 0.8)
    assert found.intermediate_values == {1: 0.5, 2: 0.8, 3: 0.7, 4: 0.8}
    assert found.user_attrs[records.BEST_EPOCH] == 2
    assert found.user_attrs[records.REASON] == "because"
    assert [epoch["loss"] for epoch in found.user_attrs[records.EPOCHS]] == [1, 1 / 2, 1 / 3, 1 / 4]
    assert {"sampling", "storage"} <= set(found.user_attrs[records.SECONDS])


def test_prune_and_fail_keep_their_reason_and_what_was_measured(stored):
    pruned, failed = ask(stored, 2, {}), ask(stored, 2, {})
    pruned.report(0.6, {"epoch": 1})
    pruned.prune("behind")
    failed.fail("error: boom", "Traceback …")
    write_all([pruned, failed])
    assert frozen(stored, pruned).state == TrialState.PRUNED
    assert frozen(stored, pruned).value == 0.6
    assert frozen(stored, failed).state == TrialState.FAIL
    assert frozen(stored, failed).user_attrs[records.TRACEBACK] == "Traceback …"


def test_a_trial_that_was_put_back_runs_next_with_number_seed_and_settings(stored):
    first = ask(stored, 3, ABOUT)
    first.report(0.9, {"epoch": 1})
    write_all([first])
    put_back_all(stored, [first], "Ctrl-C")
    assert frozen(stored, first).state == TrialState.WAITING
    again = ask(stored, 3, ABOUT)
    assert (again.number, again.seed, again.settings) == (first.number, first.seed, first.settings)
    assert frozen(stored, again).intermediate_values == {}
    again.report(0.4, {"epoch": 1})
    again.complete()
    write_all([again])
    assert frozen(stored, again).value == 0.4
    assert ask(stored, 3, ABOUT).number == 1


def test_reports_are_written_in_batches_and_all_at_the_end(stored):
    trial = ask(stored, 1, {})
    for epoch in range(1, 6):
        trial.report(0.1 * epoch, {"epoch": epoch})
    assert frozen(stored, trial).intermediate_values == {}
    assert not trial.overdue
    trial._written_at -= 10
    trial.report(0.6, {"epoch": 6})
    assert trial.overdue
    write_all([trial])
    assert not trial.overdue
    assert len(frozen(stored, trial).intermediate_values) == 6


def test_what_another_worker_holds_by_now_is_refused_and_the_rest_is_written(stored):
    mine, others = ask(stored, 2, {}), ask(stored, 2, {})
    stored.storage.release([Release(others.id, others.claim)])
    for trial in (mine, others):
        trial.report(0.5, {"epoch": 1})
        trial.complete()
    assert write_all([mine, others]) == [others]
    assert frozen(stored, mine).state == TrialState.COMPLETE
    assert frozen(stored, others).state == TrialState.WAITING
    assert others.id not in stored.view.claims()


def test_why_a_trial_was_put_back_is_remembered(stored):
    for reason in ("Ctrl-C", "SIGTERM"):
        put_back_all(stored, [ask(stored, 1, {})], reason)
    attrs = frozen(stored, ask(stored, 1, {})).user_attrs
    assert attrs[records.INTERRUPTIONS] == [
        {"kind": "stopped", "reason": "Ctrl-C"},
        {"kind": "stopped", "reason": "SIGTERM"},
    ]
