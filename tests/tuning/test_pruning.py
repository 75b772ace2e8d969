import optuna
import pytest

from a3b_tune.study import loads, override
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.pruning import build_pruner, should_prune
from a3b_tune.tuning.trials import write_all
from tests.tuning.conftest import begin


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("hyperband", optuna.pruners.HyperbandPruner),
        ("asha", optuna.pruners.SuccessiveHalvingPruner),
        ("median", optuna.pruners.MedianPruner),
        ("percentile", optuna.pruners.PercentilePruner),
        ("patient", optuna.pruners.PatientPruner),
        ("none", optuna.pruners.NopPruner),
    ],
)
def test_every_name_has_its_pruner(file, name, kind):
    assert type(build_pruner(override(file, [f"study.pruner={name}"]))) is kind


@pytest.mark.parametrize("pruner", ["median", "asha"])
def test_values_that_are_not_stored_yet_are_judged_all_the_same(url, file, xor, pruner):
    stored = begin(url, file, xor, f"study.pruner={pruner}", "training.epochs=9")
    for _ in range(8):
        good = ask(stored, 99, {})
        for epoch in range(1, 4):
            good.report(0.9, {"epoch": epoch})
            assert not good.should_prune()
        good.complete()
        write_all([good])
    bad = ask(stored, 99, {})
    for epoch in range(1, 4):
        bad.values[epoch] = 0.1
    assert stored.storage.get_trial(bad.id).intermediate_values == {}
    assert should_prune(stored.view.study, bad.frozen)


def test_patience_ends_a_trial_that_no_longer_improves(url, file, xor):
    stored = begin(url, file, xor, "study.pruner=patient", "training.epochs=20")
    trial = ask(stored, 1, {})
    trial.values.update({1: 0.5, 2: 0.6, 3: 0.7})
    assert not should_prune(stored.view.study, trial.frozen)
    trial.values.update(dict.fromkeys(range(4, 9), 0.65))
    assert should_prune(stored.view.study, trial.frozen)


def test_hyperband_brackets_end_at_the_most_epochs(xor, url):
    file = loads(
        "[study]\nname='h'\npruner={name='hyperband',reduction_factor=3}\n[data]\nname='xor'\n"
        "[model]\nname='baseline'\n[training]\nepochs=27",
        "h.toml",
    )
    stored = begin(url, file, xor)
    trial = ask(stored, 1, {})
    trial.values[1] = 0.5
    assert not should_prune(stored.view.study, trial.frozen)
    assert stored.view.study.pruner._n_brackets == 4
