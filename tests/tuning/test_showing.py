"""What can be looked at of a trial on text is an artifact, and costs the trial nothing."""

import builtins

import pytest
from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta
from optuna.trial import TrialState

from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.tuning.events import Warned
from a3b_tune.tuning.keeping import MODEL
from a3b_tune.tuning.showing import CURVES, SAMPLES
from tests.tuning.conftest import begin, begin_text, run
from tests.tuning.fake_learner import Fakes, Fate
from tests.tuning.test_stacking import seeds


def artifacts(stored, trial):
    """The contents of a trial's artifacts by name; each name stands once."""
    metas = get_all_artifact_meta(trial, storage=stored.storage)
    assert len({meta.filename for meta in metas}) == len(metas)
    store = FileSystemArtifactStore(artifact_folder(stored.storage.url))
    found = {}
    for meta in metas:
        with store.open_reader(meta.artifact_id) as content:
            found[meta.filename] = content.read()
    return found


def test_samples_of_all_evaluations_and_the_curves_are_kept(url, letters):
    stored = begin_text(url, letters)
    run(stored, letters, 2, fakes=Fakes(lambda recipe: Fate((3.0, 2.0, 1.0)), 2))
    for trial in stored.study.trials:
        found = artifacts(stored, trial)
        text = found[SAMPLES].decode()
        assert [text.count(f"seed of a sample {n}") for n in (1, 2, 3)] == [1, 1, 1]
        assert text.index("step 10") < text.index("step 20") < text.index("step 30")
        pytest.importorskip("matplotlib")
        assert found[CURVES].startswith(b"\x89PNG")
    assert not list(artifact_folder(stored.storage.url).glob("*.part"))


@pytest.mark.usefixtures("no_pictures")
def test_a_trial_that_goes_on_elsewhere_goes_on_with_its_file(url, letters):
    stored = begin_text(url, letters, "study.checkpoint=0.001s")
    seen = []

    def stop():
        seen.append(1)
        return "Ctrl-C" if len(seen) > 4 else None

    fakes = Fakes(lambda recipe: Fate((2.0,)), 1)
    assert run(stored, letters, 1, stop=stop, fakes=fakes)[0] == "Ctrl-C"
    (waiting,) = stored.storage.get_all_trials(stored.id)
    assert waiting.state == TrialState.WAITING
    before = get_all_artifact_meta(waiting, storage=stored.storage)
    again = begin_text(url, letters)
    run(again, letters, 1, fakes=Fakes(lambda recipe: Fate((2.0,)), 1))
    (done,) = again.storage.get_all_trials(again.id)
    after = get_all_artifact_meta(done, storage=again.storage)
    assert {meta.artifact_id for meta in before} <= {meta.artifact_id for meta in after}
    assert artifacts(again, done)[SAMPLES].decode().count("seed of a sample") == 3


@pytest.mark.usefixtures("no_pictures")
def test_the_model_of_each_new_best_is_kept_and_of_no_other(url, letters):
    bits = {0: 1.5, 1: 1.7, 2: 1.2, 3: 1.2}
    of = {seed: bits[number] for number in bits for seed in seeds(number)}
    stored = begin_text(url, letters)
    run(stored, letters, 4, fakes=Fakes(lambda recipe: Fate((of[recipe.seed],)), 1))
    models = [MODEL in artifacts(stored, trial) for trial in stored.study.trials]
    assert models == [True, False, True, False]
    (seed,) = seeds(2)
    assert (
        artifacts(stored, stored.study.trials[2])[MODEL] == f"model of seed {seed} after 3".encode()
    )


@pytest.mark.usefixtures("no_pictures")
def test_a_pruned_trial_keeps_its_curves_but_no_model(url, letters):
    stored = begin_text(url, letters, "study.pruner=median", "study.pruner.startup_trials=1",
                        "study.pruner.warmup_epochs=0")  # fmt: skip
    bad = seeds(1)
    fates = Fakes(lambda recipe: Fate((3.0 if recipe.seed in bad else 1.0,)), 1)
    run(stored, letters, 2, fakes=fates)
    pruned = stored.study.trials[1]
    assert pruned.state == TrialState.PRUNED
    assert SAMPLES in artifacts(stored, pruned)
    assert MODEL not in artifacts(stored, pruned)


@pytest.mark.usefixtures("no_pictures")
def test_where_nothing_can_be_kept_the_trials_go_on_and_it_is_told_once(url, letters):
    stored = begin_text(url, letters)
    artifact_folder(stored.storage.url).write_text("a file where a folder should be")
    _, events = run(stored, letters, 2, fakes=Fakes(lambda recipe: Fate((1.0,)), 1))
    assert [t.state for t in stored.study.trials] == [TrialState.COMPLETE] * 2
    warned = [e.text for e in events if isinstance(e, Warned) and "artifacts" in e.text]
    assert len(warned) == 1
    assert str(artifact_folder(stored.storage.url)) in warned[0]
    assert [artifacts(stored, trial) for trial in stored.study.trials] == [{}, {}]


def test_without_matplotlib_there_is_no_picture_and_it_is_told_once(url, letters, monkeypatch):
    original = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError("No module named 'matplotlib'")
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    stored = begin_text(url, letters)
    _, events = run(stored, letters, 2, fakes=Fakes(lambda recipe: Fate((1.0,)), 1))
    warned = [e.text for e in events if isinstance(e, Warned) and "curves" in e.text]
    assert len(warned) == 1
    for trial in stored.study.trials:
        found = artifacts(stored, trial)
        assert SAMPLES in found
        assert CURVES not in found


def test_rows_keep_nothing(url, file, xor):
    stored = begin(url, file, xor)
    run(stored, xor, 2, fakes=Fakes(lambda recipe: Fate((0.9,)), 1))
    assert [artifacts(stored, trial) for trial in stored.study.trials] == [{}, {}]
