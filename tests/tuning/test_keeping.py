"""Artifacts are kept where they can be, and never with a secret."""

from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta
from optuna.trial import TrialState

from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.keeping import without_secrets
from a3b_tune.tuning.trials import write_all


def failed(stored):
    trial = ask(stored, 9, {})
    trial.report(0.5, {"epoch": 1})
    trial.fail("error: boom", "Traceback: boom")
    assert write_all([trial]) == []
    return stored.storage.get_trial(trial.id)


def test_a_failed_trials_traceback_is_an_artifact_that_optuna_knows(stored):
    found = failed(stored)
    (meta,) = get_all_artifact_meta(found, storage=stored.storage)
    assert (meta.filename, meta.mimetype) == ("traceback.txt", "text/plain")
    store = FileSystemArtifactStore(artifact_folder(stored.storage.url))
    with store.open_reader(meta.artifact_id) as content:
        assert content.read() == b"Traceback: boom"


def test_where_no_artifact_can_be_kept_the_trial_is_written_all_the_same(stored):
    artifact_folder(stored.storage.url).write_text("a file where a folder should be")
    found = failed(stored)
    assert found.state == TrialState.FAIL
    assert found.intermediate_values == {1: 0.5}
    assert get_all_artifact_meta(found, storage=stored.storage) == []


def test_a_password_stands_in_no_text_however_it_was_typed():
    url = "postgresql://me:p%40ss%2Fw@db/studies"
    text = f"cannot reach {url} with p@ss/w or p%40ss%2Fw"
    assert without_secrets(text, url) == (
        "cannot reach postgresql://me:***@db/studies with *** or ***"
    )
    assert without_secrets("nothing here", "sqlite:///a.db") == "nothing here"
