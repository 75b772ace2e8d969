"""A class of a person's own: found where it is, and one line for whatever is wrong with it."""

import hashlib
import sys
from pathlib import Path

import pytest

from a3b_tune.errors import InputError
from a3b_tune.models import build, check_setting, reads_text, settings_of
from a3b_tune.models.own import is_own, own_class, source_hash
from tests import own_models

HERE = "tests.own_models"
SIZES = {"vocabulary": 9, "classes": 2, "max_length": 4}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, and nothing of what is imported from it left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_class_is_built_with_its_settings_and_what_the_data_decides():
    assert own_class(f"{HERE}:Bag") is own_models.Bag
    assert list(settings_of(f"{HERE}:Bag")) == ["width", "dropout", "way", "scale"]
    assert build(f"{HERE}:Bag", **SIZES, width=3).out.in_features == 3
    assert not reads_text(f"{HERE}:Bag")
    assert reads_text(f"{HERE}:OfText")
    assert [is_own(name) for name in ("encoder", f"{HERE}:Bag")] == [False, True]


def test_the_hash_is_that_of_the_file_it_is_written_in():
    text = Path(own_models.__file__).read_bytes()
    assert source_hash(f"{HERE}:Bag") == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("widht", 3, f"unknown setting of model {HERE}:Bag 'widht'; did you mean 'width'?"),
        ("width", "wide", "model.width: 'wide' is not int"),
        ("way", "mx", "model.way: unknown way 'mx'; did you mean 'max'? (known: max, sum)"),
        ("scale", "much", "model.scale: 'much' is not float"),
    ],
)
def test_its_settings_are_checked_as_those_of_the_others(key, value, line):
    with pytest.raises(InputError) as caught:
        check_setting(f"{HERE}:Bag", key, value)
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tests.own_models", "; a model of your own is written package.module:Class"),
        ("tests.own_models:", "'tests.own_models:' names no model; a model of your own is written"),
        ("a b:C", "'a b:C' names no model"),
        (f"{HERE}:Bga", f"{HERE}: unknown class 'Bga'; did you mean 'Bag'?"),
        (f"{HERE}:NoModule", f"{HERE}:NoModule: is a class of another kind, not a class derived"),
        (f"{HERE}:number", f"{HERE}:number: is a int, not a class derived from torch.nn.Module"),
        (f"{HERE}:Short", f"{HERE}:Short: its __init__ takes no 'max_length'"),
        (f"{HERE}:Bare", f"{HERE}:Bare: setting 'width' has no annotation; it needs bool, int"),
        (f"{HERE}:Lists", f"{HERE}:Lists: setting 'widths' cannot be list[int] in a study file"),
        (f"{HERE}:Must", f"{HERE}:Must: setting 'width' has no default"),
        (f"{HERE}:Named", f"{HERE}:Named: a setting cannot be called 'name'"),
        (f"{HERE}:Whatever", f"{HERE}:Whatever: its __init__ takes **settings: int; name each"),
        (f"{HERE}:Lost", f"{HERE}:Lost: an annotation of its __init__ fails: NameError: name"),
    ],
)
def test_what_is_no_model_is_one_line(name, line):
    with pytest.raises(InputError) as caught:
        build(name, **SIZES)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_current_folder_is_looked_in(folder):
    (folder / "nets_of_mine.py").write_text("from tests.own_models import Bag\n")
    assert own_class("nets_of_mine:Bag") is own_models.Bag


def test_a_module_that_is_not_there_says_where_it_was_looked_for(folder):
    (folder / "nets_of_mine.py").write_text("")
    for name, missing in (("nets_of_mind:A", "nets_of_mind"), ("gone.deeper:A", "gone")):
        with pytest.raises(InputError) as caught:
            own_class(name)
        line = f"no module '{missing}' in {folder} or among the installed packages"
        assert str(caught.value).startswith(line)
    with pytest.raises(InputError, match=r"did you mean 'nets_of_mine'\?$"):
        own_class("nets_of_mind:A")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\n\n1 / 0\n", "ZeroDivisionError: division by zero (broken_net.py, line 3)"),
        ("import nothing_of_that\n", "ModuleNotFoundError: No module named 'nothing_of_that' ("),
        (
            "def f(:\n",
            "SyntaxError: invalid syntax (broken_net.py, line 1) (broken_net.py, line 1)",
        ),
        ("raise SystemExit('a\\nb')\n", "SystemExit: a (broken_net.py, line 1)"),
        ("import json\njson.loads('{')\n", "(broken_net.py, line 2)"),
    ],
)
def test_a_module_that_cannot_be_imported_says_why_and_at_which_line(folder, text, line):
    (folder / "broken_net.py").write_text(text)
    with pytest.raises(InputError) as caught:
        own_class("broken_net:Net")
    assert str(caught.value).startswith("importing 'broken_net' failed: ")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
