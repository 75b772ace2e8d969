import itertools

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from a3b_tune.study import Choices, Range, loads, override
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.sampling import derived_seed
from a3b_tune.tuning.space import distribution, whole_settings
from a3b_tune.tuning.trials import write_all
from tests.tuning.conftest import begin

SAMPLERS = ["tpe", "random", "gp", "cmaes", "qmc"]


def draws(stored, count):
    """Asks for trials and completes each with a made-up value, as a search would."""
    found = []
    for _ in range(count):
        trial = ask(stored, count, {})
        trial.report(0.5 + 0.1 * (trial.params.get("model.pool") == "max"), {"epoch": 1})
        trial.complete()
        write_all([trial])
        found.append(trial)
    return found


def test_ranges_and_choices_become_optunas():
    assert distribution(Choices(choices=(1, 2))) == CategoricalDistribution((1, 2))
    assert distribution(Range(low=1, high=9, step=2)) == IntDistribution(1, 9, step=2)
    assert distribution(Range(low=1, high=64, log=True)) == IntDistribution(1, 64, log=True)
    assert distribution(Range(low=1e-4, high=1.0, log=True)) == FloatDistribution(1e-4, 1, log=True)
    assert distribution(Range(low=0.0, high=1.0, step=0.5)) == FloatDistribution(0, 1, step=0.5)


def test_derived_seeds_are_stable_and_apart():
    seeds = [derived_seed(s, n, p) for s in range(5) for n in range(50) for p in ("a", "b")]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert derived_seed(0, 0, "trial") == derived_seed(0, 0, "trial")


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_draws_within_the_file(url, file, xor, sampler):
    if sampler in ("gp", "cmaes", "qmc"):
        pytest.importorskip("scipy")
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    stored = begin(url, file, xor, f"study.sampler={sampler}")
    for trial in draws(stored, 14):
        assert trial.params["model.width"] in (4, 8)
        assert trial.params["model.pool"] in ("mean", "max", "select")
        assert 1e-3 <= trial.params["optimizer.lr"] <= 1e-1
        assert trial.settings["training.batch_size"] == 256


def test_grid_visits_every_point_once(url, file, xor):
    stored = begin(url, file, xor, "study.sampler=grid", "optimizer.lr=0.01|0.1")
    points = [tuple(sorted(trial.params.items())) for trial in draws(stored, 12)]
    assert len(set(points)) == 12


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_small_space_is_searched_without_repeats_until_it_is_used_up(url, file, xor, sampler):
    stored = begin(url, file, xor, f"study.sampler={sampler}", "optimizer.lr=0.01")
    found = draws(stored, 9)
    new = [trial for trial in found if trial.repeats is None]
    repeated = [trial for trial in found if trial.repeats is not None]
    assert len({tuple(sorted(trial.params.items())) for trial in new}) == len(new)
    assert len(new) >= 5
    assert len(repeated) >= 3
    for trial in repeated:
        first = found[trial.repeats]
        assert first.params == trial.params
        assert first.number < trial.number
        assert first.seed != trial.seed


def test_an_interrupted_study_draws_what_an_unbroken_one_draws(tmp_path, file, xor):
    whole = begin(f"sqlite:///{tmp_path}/a.db", file, xor)
    unbroken = [trial.params for trial in draws(whole, 16)]
    url = f"sqlite:///{tmp_path}/b.db"
    parts = [trial.params for trial in draws(begin(url, file, xor), 9)]
    again = begin(url, file, xor)
    parts += [trial.params for trial in (ask(again, 16, {}) for _ in range(1))]
    assert parts == unbroken[:10]


def test_another_seed_draws_others(tmp_path, file, xor):
    one = draws(begin(f"sqlite:///{tmp_path}/a.db", file, xor, "study.seed=1"), 3)
    two = draws(begin(f"sqlite:///{tmp_path}/b.db", file, xor, "study.seed=2"), 3)
    assert [t.params for t in one] != [t.params for t in two]


def test_a_model_gets_only_its_own_settings(url, xor):
    file = loads(
        """
        [study]
        name = "two"
        [data]
        name = "xor"
        [model]
        name = { choices = ["baseline", "full_attention"] }
        heads = { choices = [1, 2] }
        width = 16
        pool = "max"
        """,
        "two.toml",
    )
    stored = begin(url, file, xor, "study.sampler=random", "optimizer.lr=1e-4..1e-1:log")
    kinds = set()
    for trial in draws(stored, 12):
        kinds.add(trial.settings["model.name"])
        assert ("model.heads" in trial.settings) == (
            trial.settings["model.name"] == "full_attention"
        )
        assert trial.settings["model.width"] == 16
    assert kinds == {"baseline", "full_attention"}


def test_whole_settings_are_in_the_files_order(file):
    settings = whole_settings(file, {"optimizer.lr": 0.1, "model.pool": "max", "model.width": 4})
    names = list(settings)
    assert names == [name for name in file.settings() if name in names]
    assert settings["model.pool"] == "max"
    assert settings["training.epochs"] == 2


def test_the_point_that_was_enqueued_is_the_one_that_runs(stored):
    wanted = {"model.width": 8, "model.pool": "select", "optimizer.lr": 0.05}
    stored.study.enqueue_trial(wanted)
    trial = ask(stored, 3, {})
    assert trial.params == wanted


def test_changed_by_the_command_line(file):
    changed = override(file, ["model.width=1..9"])
    assert distribution(changed.searched()["model.width"]) == IntDistribution(1, 9)
    assert len(list(itertools.islice(changed.searched(), 9))) == 3
