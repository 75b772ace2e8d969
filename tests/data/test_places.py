import os
from pathlib import Path

import pytest

from a3b_tune.data import places


def test_the_folder_asked_for_comes_before_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv(places.VARIABLE, "/somewhere")
    assert places.data_dir(tmp_path) == tmp_path
    assert places.data_dir() == Path("/somewhere")


@pytest.mark.skipif(os.name == "nt", reason="XDG names are for Unix")
def test_by_default_the_data_is_in_the_users_cache(user_cache):
    assert places.data_dir() == user_cache / "a3b-tune" / "data"


def test_home_is_written_as_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(places.VARIABLE, "~/data")
    assert places.data_dir() == tmp_path / "data"


def test_the_cache_is_beside_the_data(tmp_path):
    assert places.cache_dir(tmp_path) == tmp_path / "cache"


def test_a_read_only_folder_is_left_alone_even_by_root(tmp_path, user_cache):
    folder = tmp_path / "given"
    folder.mkdir(mode=0o555)
    assert places.cache_dir(folder) == user_cache / "a3b-tune" / "cache"


def test_a_folder_that_is_not_there_holds_no_cache(tmp_path, user_cache):
    assert places.cache_dir(tmp_path / "gone") == user_cache / "a3b-tune" / "cache"
