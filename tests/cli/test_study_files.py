import json
import tomllib

import pytest

from a3b_tune.models import MODELS, settings_of
from a3b_tune.study import load, loads, show_setting
from a3b_tune.study.catalogue import find, shipped
from tests.commands import answered, contents, refused


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def test_list_has_every_shipped_study_with_its_question(capsys):
    told = json.loads(answered(capsys, "study", "list", "--json"))
    assert list(told) == list(shipped())
    assert all(question for question in told.values())
    out = answered(capsys, "study", "list")
    begun = {line.partition(" ")[0] for line in out.splitlines()}
    assert begun >= set(told)
    words = " ".join(out.split())
    assert all(question.split()[0] in words for question in told.values())
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("name", shipped())
def test_check_finds_every_shipped_study_good_and_tells_what_it_searches(capsys, name):
    out = answered(capsys, "study", "check", name)
    file = load(find(name))
    assert out.startswith(f"{find(name)}: good; {file.study.trials} trials search ")
    assert out.count("\n") == 1
    for key, setting in file.searched().items():
        assert f"{key}={show_setting(setting)}" in out


@pytest.mark.parametrize("name", shipped())
def test_show_is_a_start_for_a_file_that_means_the_same(capsys, here, name):
    out = answered(capsys, "study", "show", name)
    assert loads(out, name) == load(find(name))
    (here / "mine.toml").write_text(out, encoding="utf-8")
    assert answered(capsys, "study", "show", "mine.toml") == out
    assert "good" in answered(capsys, "study", "check", "mine.toml")


def test_show_as_json_is_the_same_in_json(capsys):
    told = json.loads(answered(capsys, "study", "show", "xor", "--json"))
    toml = tomllib.loads(answered(capsys, "study", "show", "xor"))
    assert told["model"] == toml["model"]
    assert told["study"]["question"] == toml["study"]["question"]


def test_the_schema_knows_every_model_and_every_setting(capsys):
    told = json.loads(answered(capsys, "study", "schema"))
    text = json.dumps(told)
    assert "json-schema.org" in told["$schema"]
    assert all(f'"{name}"' in text for name in MODELS)
    assert all(f'"{key}"' in text for name in MODELS for key in settings_of(name))


GOOD = '[study]\nname = "x"\n[data]\nname = "xor"\n[model]\nname = "baseline"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[study", "mine.toml: "),
        ("name = 1", "mine.toml: "),
        ('[study]\nname = "x"\n[modl]\nname = "baseline"', "'modl'; did you mean 'model'?"),
        (GOOD.replace("baseline", "bseline"), "'bseline'; did you mean 'baseline'?"),
        (GOOD + "heads = 4", "model.heads: unknown setting of baseline 'heads'"),
        (GOOD + "widht = 4", "unknown setting of baseline 'widht'; did you mean 'width'?"),
        (GOOD + "width = 0", "width 0 is not at least 1"),
        (GOOD + "width = { low = 8, high = 4 }", "8 is not below 4"),
        (GOOD + "[training]\nepochs = 0", "training.epochs: must be at least 1, not 0"),
    ],
)
@pytest.mark.parametrize("command", [["study", "check"], ["run"]])
def test_check_and_run_refuse_the_same_files_in_the_same_words(capsys, here, command, text, told):
    (here / "mine.toml").write_text(text)
    err = refused(capsys, *command, "mine.toml")
    assert told in err
    assert err.startswith("a3b-tune: mine.toml: ")
    assert contents(here) == ["mine.toml"]


@pytest.mark.parametrize("command", ["check", "show"])
@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("positions_xr", "unknown study 'positions_xr'; did you mean 'positions_xor'?"),
        ("none.toml", "none.toml: no such file"),
        ("folder.toml", "folder.toml: "),
        ("latin1.toml", "latin1.toml: "),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(capsys, here, command, file, told):
    (here / "folder.toml").mkdir()
    (here / "latin1.toml").write_bytes((GOOD + "# caf\xe9").encode("latin-1"))
    assert told in refused(capsys, "study", command, file)


def test_check_opens_no_storage_and_writes_nothing(capsys, here):
    answered(capsys, "study", "check", "xor")
    assert contents(here) == []
