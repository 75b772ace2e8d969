import io

import pytest
from optuna.artifacts.exceptions import ArtifactNotFound

from a3b_tune.results.dashboard.artifacts import Artifacts


def test_a_file_that_was_put_in_comes_out(tmp_path):
    store = Artifacts(tmp_path / "not" / "there")
    store.write("0-a", io.BytesIO(b"content"))
    with store.open_reader("0-a") as file:
        assert file.read() == b"content"
    store.remove("0-a")
    with pytest.raises(ArtifactNotFound):
        store.open_reader("0-a")


def test_looking_makes_no_folder(tmp_path):
    store = Artifacts(tmp_path / "none")
    with pytest.raises(ArtifactNotFound):
        store.open_reader("0-a")
    assert not (tmp_path / "none").exists()


def test_what_is_gone_can_be_taken_away(tmp_path):
    Artifacts(tmp_path).remove("0-a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_nothing_outside_the_folder_is_a_file_of_it(tmp_path, name):
    (tmp_path / "x").write_text("secret")
    with pytest.raises((ValueError, ArtifactNotFound)):
        Artifacts(tmp_path / "store").open_reader(name)
