from optuna import create_study
from optuna.pruners import SuccessiveHalvingPruner
from optuna.trial import TrialState

from a3b_tune.tuning.asking import Queue, ask
from a3b_tune.tuning.trials import put_back_all, write_all
from tests.tuning.conftest import begin


def plain(trials):
    return [(t.number, t.state, t.params, t.value, t.intermediate_values) for t in trials]


def test_after_a_look_the_view_says_what_the_database_says(url, file, xor):
    one, two = begin(url, file, xor), begin(url, file, xor)
    trials = [ask(stored, 9, {}) for stored in (one, two, one, two, two)]
    for number, trial in enumerate(trials[:3]):
        trial.report(0.1 * number, {"epoch": 1})
        trial.complete()
        write_all([trial])
    put_back_all(two, trials[3:4], "Ctrl-C")
    for stored in (one, two):
        stored.view.refresh()
        assert plain(stored.view.trials()) == plain(stored.study.trials)
    assert plain(one.view.trials(TrialState.WAITING))[0][0] == 3


def test_what_a_worker_holds_is_ahead_of_the_database(stored):
    (trial,) = Queue(stored, 1, {})._take(None, 1, slots=1, new=True)
    trial.report(0.5, {"epoch": 1})
    stored.view.refresh()
    assert stored.view.trials()[0].intermediate_values == {1: 0.5}
    assert stored.study.trials[0].intermediate_values == {}


def test_samplers_and_pruners_see_every_change_at_once(stored):
    first = ask(stored, 2, {})
    study = stored.view.study
    assert study._get_trials(deepcopy=False, states=(TrialState.COMPLETE,), use_cache=True) == []
    first.report(0.5, {"epoch": 1})
    first.complete()
    write_all([first])
    seen = study._get_trials(deepcopy=False, states=(TrialState.COMPLETE,), use_cache=True)
    assert [trial.value for trial in seen] == [0.5]


def test_notes_are_written_with_the_trial(stored):
    trial = ask(stored, 1, {})
    stored.view.set_trial_system_attr(trial.id, "completed_rung_0", 0.5)
    assert stored.study.trials[0].system_attrs == {}
    trial.report(0.5, {"epoch": 1})
    write_all([trial])
    assert stored.study.trials[0].system_attrs == {"completed_rung_0": 0.5}
    assert stored.view.notes(trial.id) == {}


def test_a_look_costs_nothing_while_the_last_is_young(stored, monkeypatch):
    stored.view.refresh()
    monkeypatch.setattr(stored.storage, "read", lambda *_: 1 / 0)
    stored.view.refresh(older_than=3600.0)
    assert stored.view.trials() == []


def test_a_pruner_that_notes_values_decides_as_on_optunas_own_storage(url, file, xor):
    """Successive halving notes a trial's value at a rung and counts those of all trials, read just
    before: the trial's own must be among them once."""
    values = [0.5, 0.9, 0.8, 0.85, 0.6, 0.87, 0.82, 0.95, 0.88, 0.7]
    pruner = SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    plain_study = create_study(direction="maximize", pruner=pruner)
    stored = begin(url, file, xor)
    study = stored.view.study
    study.pruner = pruner
    wanted, found = [], []
    for value in values:
        asked = plain_study.ask()
        asked.report(value, 1)
        wanted.append(asked.should_prune())
        trial = ask(stored, len(values), {})
        trial.report(value, {"epoch": 1})
        found.append(pruner.prune(study, trial.frozen))
    assert found == wanted
    assert len(set(wanted)) == 2
