import tomllib
from pathlib import Path

import pytest

from a3b_tune.errors import InputError
from a3b_tune.study import catalogue
from a3b_tune.study.catalogue import find, shipped
from a3b_tune.study.file import load, loads
from a3b_tune.study.toml import dumps_toml

QUESTIONS = [
    "baseline_imdb", "baseline_synth", "baseline_xor", "bigrams_imdb", "full_attention_synth",
    "full_attention_xor", "imdb", "positions_xor", "simple_attention_synth",
    "simple_attention_xor", "synth", "toy", "transformer_imdb", "wp", "xor",
]  # fmt: skip
BESIDE = ["distilbert", "encoder"]
"""Studies of what the course's assignment does not ask for."""
NAMES = sorted([*QUESTIONS, *BESIDE])


def test_there_is_one_file_for_each_question_that_asks_for_tuning_and_some_beside():
    assert list(shipped()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_file_is_called_as_its_study_and_searches_something(name):
    file = load(find(name))
    assert file.study.name == name
    assert file.study.question.endswith("?")
    assert "optimizer.lr" in file.searched()
    assert loads(dumps_toml(file), name) == file


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_file_begins_with_its_question_and_what_theory_says(name):
    comment = find(name).read_text().split("\n\n")[0]
    assert comment.startswith("# Assignment 3B, question" if name in QUESTIONS else "# ")
    assert "\n# Theory" in comment or "grammar allows" in comment
    assert all(len(line) <= 100 for line in find(name).read_text().splitlines())


def test_no_shipped_file_allows_more_epochs_on_imdb_than_the_course():
    files = [load(find(name)) for name in NAMES]
    rounds = {file.study.name: file.rounds for file in files if file.data.name == "imdb"}
    assert set(rounds) >= {"baseline_imdb", "imdb", "transformer_imdb", *BESIDE}
    assert max(rounds.values()) == 5
    assert all(rounds[name] == 5 for name in ("baseline_imdb", "imdb", "transformer_imdb"))


def test_a_file_of_ones_own_is_found_by_its_path(tmp_path, monkeypatch):
    path = tmp_path / "mine.toml"
    path.write_text(find("xor").read_text())
    assert find(str(path)) == path
    monkeypatch.chdir(tmp_path)
    assert find("mine.toml") == Path("mine.toml")


def test_a_shipped_study_goes_before_a_folder_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "synth").mkdir()
    assert tomllib.loads(find("synth").read_text())["study"]["name"] == "synth"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("snyth", "unknown study 'snyth'; did you mean 'synth'? (known: baseline_imdb, "),
        ("none.toml", "none.toml: no such file"),
        ("a/b", "a/b: no such file"),
        ("synth.toml", "synth.toml: no such file; the shipped study is called 'synth'"),
        ("./folder", "./folder: is a folder, not a study file"),
    ],
)
def test_a_study_that_is_not_there_is_told_with_the_nearest(tmp_path, monkeypatch, name, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as error:
        find(name)
    assert str(error.value).startswith(line)


def test_the_package_has_its_files_inside_when_installed_from_a_wheel(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "a3b_tune"
    (package / "studies").mkdir(parents=True)
    (package / "studies" / "xor.toml").write_text("")
    monkeypatch.setattr(catalogue, "files", lambda name: package)
    assert shipped() == {"xor": package / "studies" / "xor.toml"}
    (package / "studies" / "xor.toml").unlink()
    with pytest.raises(InputError, match="no study files; install a3b-tune again"):
        shipped()
