"""Read by plain selects, trials are what Optuna's own reader makes of them."""

from itertools import product
from math import inf, nan

import pytest
from optuna import create_study
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial

from a3b_tune.storage import reading
from a3b_tune.storage.opening import open_storage
from tests.databases import of_each_kind

SPACE = {
    "width": IntDistribution(1, 1024, log=True),
    "pool": CategoricalDistribution(("max", None, True, 1, 1.5)),
    "drop": FloatDistribution(0.0, 0.5, step=0.1),
    "lr": FloatDistribution(1e-5, 1e-1, log=True),
    "epochs": IntDistribution(1, 9),
}
PARAMS = {"width": 1000, "pool": None, "drop": 0.1 + 0.2, "lr": 3.3e-3, "epochs": 7}
ATTRS = {"none": None, "nan": nan, "deep": [{"a": [1, 2.5, "ä\u2028"]}], "long": "x" * 5000}
REPORTS = {3: 0.5, 0: inf, 7: -inf, 2: nan, 100: 1e-300, -1: -0.0}


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request):
    return open_storage(of_each_kind(request), create=True)


def filled(state, some, **more):
    """A trial with this much of everything."""
    return create_trial(
        state=state,
        params=dict(list(PARAMS.items())[some]),
        distributions=dict(list(SPACE.items())[some]),
        user_attrs=dict(list(ATTRS.items())[some]),
        system_attrs=dict(list(ATTRS.items())[some][::-1]),
        intermediate_values=dict(list(REPORTS.items())[some]),
        **more,
    )


@pytest.fixture
def study(storage):
    """Trials of every state, kind of value and fullness, another study's among them: its id."""
    study, other = create_study(storage=storage), create_study(storage=storage)
    study.ask(SPACE)
    for state, some in product(TrialState, (slice(0), slice(2, None), slice(None))):
        study.add_trial(filled(state, some, value=0.5 if state == TrialState.COMPLETE else None))
        other.add_trial(filled(TrialState.PRUNED, some))
    for value in (inf, -inf, -0.0, 1e308):
        study.add_trial(create_trial(value=value))
    study.enqueue_trial({"lr": 0.1})
    return study._study_id


def read_both_ways(storage, *asked):
    """The same trials read here and by Optuna; which they are."""
    own, optunas = (read(storage, *asked) for read in (reader(storage), RDBStorage._get_trials))
    assert [told(trial) for trial in own] == [told(trial) for trial in optunas]
    return [trial.number for trial in own]


def reader(storage):
    assert type(storage)._get_trials is not RDBStorage._get_trials
    return type(storage)._get_trials


def told(trial):
    """All there is to a trial, as text, in which NaN is NaN. The order of attributes and reports
    Optuna leaves to the database; parameters have theirs."""
    trial.user_attrs = dict(sorted(trial.user_attrs.items()))
    trial.system_attrs = dict(sorted(trial.system_attrs.items()))
    trial.intermediate_values = dict(sorted(trial.intermediate_values.items()))
    return repr(vars(trial))


def test_a_trial_is_what_optuna_reads(storage, study):
    assert read_both_ways(storage, study, None, set(), -1) == list(range(21))
    for state in TrialState:
        assert read_both_ways(storage, study, (state,), set(), -1)
    assert len(read_both_ways(storage, study, [TrialState.FAIL, TrialState.PRUNED], set(), -1)) == 6
    assert read_both_ways(storage, study, (), set(), -1) == []


@pytest.mark.parametrize("piece", [1, 2, 500])
def test_named_trials_and_newer_ones(storage, study, monkeypatch, piece):
    """However few one statement asks for."""
    monkeypatch.setattr(reading, "PIECE", piece)
    ids = [trial._trial_id for trial in storage.get_all_trials(study)]
    foreign = ids[1] + 1
    asked = {ids[5], ids[0], ids[3], foreign, ids[20], 10**6}
    assert read_both_ways(storage, study, None, asked, ids[17]) == [0, 3, 5, 18, 19, 20]
    assert read_both_ways(storage, study, None, asked, ids[20]) == [0, 3, 5, 20]
    assert read_both_ways(storage, study, (TrialState.RUNNING,), asked, ids[17]) == [0, 3]
    assert read_both_ways(storage, study, None, set(), ids[17]) == [18, 19, 20]
    assert read_both_ways(storage, study, None, asked, -1) == list(range(21))


def test_a_trial_with_two_objectives(storage):
    study = create_study(storage=storage, directions=["maximize", "minimize"])
    study.add_trial(create_trial(values=[0.25, -inf]))
    assert read_both_ways(storage, study._study_id, None, set(), -1) == [0]
    assert study.trials[0].values == [0.25, -inf]


def test_of_no_study_there_is_nothing_to_read(storage):
    with pytest.raises(KeyError):
        storage.get_all_trials(1)
