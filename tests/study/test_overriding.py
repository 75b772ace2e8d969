from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.errors import InputError
from a3b_tune.study.file import StudyFile, check, loads
from a3b_tune.study.overriding import override
from a3b_tune.study.settings import Choices, Range, show_setting
from tests.study.strategies import study_files

BASE = check(
    {
        "study": {"name": "base"},
        "data": {"name": "imdb"},
        "model": {"name": "full_attention", "heads": {"choices": [1, 2]}},
        "training": {"clip": 1.0},
    },
    "base.toml",
)


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("model.heads=4", "model.heads", 4),
        ("model.positions=none", "model.positions", "none"),
        (" optimizer.lr = 1e-4..1e-1:log ", "optimizer.lr", Range(low=1e-4, high=0.1, log=True)),
        ("training.batch_size=16|32", "training.batch_size", Choices(choices=(16, 32))),
        ("training.batch_tokens=4096", "training.batch_tokens", 4096),
        ("data.max_length=100", "data.max_length", 100),
        ("data.max_length=none", "data.max_length", 256),
    ],
)
def test_an_assignment_sets_its_key(assignment, key, value):
    assert override(BASE, [assignment]).settings()[key] == value


def test_an_assignment_changes_nothing_else():
    changed = override(BASE, ["model.heads=4"])
    assert {**changed.settings(), "model.heads": BASE.settings()["model.heads"]} == BASE.settings()
    assert override(BASE, []) == BASE


def test_later_assignments_go_over_earlier_ones():
    file = override(BASE, ["model.heads=4", "model.heads=8", "study.sampler=gp", "study.seed=3"])
    assert (file.model["heads"], file.study.sampler.name, file.study.seed) == (8, "gp", 3)


def test_none_unsets_what_may_be_unset():
    file = override(BASE, ["training.clip=none", "study.timeout=30m"])
    assert "training.clip" not in file.settings()
    assert file.study.timeout == 1800.0
    assert override(file, ["study.timeout=none"]).study.timeout is None
    assert override(BASE, ["study.pruner=none"]).study.pruner.name == "none"


def test_options_of_a_pruner_have_keys_of_their_own():
    file = override(BASE, ["study.pruner.min_resource=2", "study.pruner.reduction_factor=4"])
    assert file.study.pruner.options == {"min_resource": 2, "reduction_factor": 4}
    file = override(file, ["study.pruner.name=median", "study.pruner.warmup_epochs=2"])
    assert file.study.pruner.options == {"startup_trials": 5, "warmup_epochs": 2}


def test_batch_size_and_token_budget_stand_instead_of_each_other():
    tokens = override(BASE, ["training.batch_tokens=4096"])
    assert tokens.training.batch_size is None
    assert override(tokens, ["training.batch_size=8"]).training.batch_tokens is None


def test_text_is_taken_as_it_is_typed():
    file = override(BASE, ["study.name=1..2|x", "study.question=how = why?"])
    assert (file.study.name, file.study.question) == ("1..2|x", "how = why?")


def test_a_table_is_looked_for_where_the_command_is_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = override(BASE, ["data.name=table", "data.path=../mine.csv"])
    assert file.data.path == str(tmp_path.parent / "mine.csv")
    home = override(BASE, ["data.name=table", "data.path=~/mine.csv"]).data.path
    assert home == str(Path.home().resolve() / "mine.csv")


@pytest.mark.parametrize(
    ("assignment", "line"),
    [
        ("model.heads", "'model.heads' sets nothing; write KEY=VALUE"),
        ("optimizer.lr=", "'optimizer.lr=' sets nothing; write KEY=VALUE"),
        ("my heads=3", "'my heads' is no key; write KEY=VALUE, like model.heads=4"),
        ("lr=3", "unknown key 'lr'; did you mean 'optimizer.lr'?"),
        ("heads=3", "unknown key 'heads'; did you mean 'model.heads'?"),
        ("optimzer.lr=3", "unknown key 'optimzer.lr'; did you mean 'optimizer.lr'?"),
        ("model=3", "'model' is a section; write model.KEY=VALUE"),
        (
            "foo=3",
            "unknown key 'foo' (known: study, data, model, optimizer, training, samples, slurm)",
        ),
        ("dta.foo=3", "unknown section 'dta'; did you mean 'data'?"),
        ("optimizer.epochs=3", "optimizer: unknown key 'epochs'; it belongs in [training]"),
        ("optimizer.lrr=3", "optimizer: unknown key 'lrr'; did you mean 'lr'?"),
        ("optimizer.lr=-1", "optimizer.lr: must be above 0, not -1"),
        ("optimizer.lr=5..1", "optimizer.lr: low must be below high, and 5 is not below 1"),
        ("optimizer.lr=0..1:log", "optimizer.lr: a log range must begin above 0, not at 0"),
        ("optimizer.name=adma", "optimizer.name: unknown optimizer 'adma'; did you mean 'adam'?"),
        ("training.epochs=many", "training.epochs: must be a whole number, not 'many'"),
        ("training.epochs=none", "training.epochs: must be a whole number, not 'none'"),
        ("study.trials=0", "study.trials: must be at least 1, not 0"),
        ("study.trials=-5", "study.trials: must be at least 1, not -5"),
        ("study.trials=many", "study.trials: must be a whole number, not 'many'"),
        ("study.sampler=tpee", "study.sampler: unknown sampler 'tpee'; did you mean 'tpe'?"),
        ("study.sampler=tpe|gp", "study.sampler: must be one sampler"),
        ("study.pruner.min=1", "study.pruner: unknown option of hyperband 'min'"),
        ("model.pool.x=3", "unknown key 'model.pool.x'; only study.sampler and study.pruner have"),
        ("data.path=a.csv", "data.path: only table and text have it, and data.name is imdb"),
        ("model.1x=3", "model: a key is a word of letters, digits and _, not '1x'"),
    ],
)
def test_a_wrong_assignment_is_one_line_with_the_nearest_right_key(assignment, line):
    with pytest.raises(InputError) as error:
        override(BASE, [assignment], where="--set")
    assert str(error.value).startswith(f"--set: {line}")
    assert len(str(error.value).splitlines()) == 1


@given(st.text())
def test_any_assignment_is_done_or_refused_in_one_line(text):
    for assignment in (text, f"{text}=1", f"model.{text}=1", f"optimizer.lr={text}"):
        try:
            assert isinstance(override(BASE, [assignment]), StudyFile)
        except InputError as error:
            assert len(str(error).splitlines()) == 1


@given(study_files)
def test_all_settings_of_a_file_can_be_given_on_the_command_line(file):
    data = {
        key: file.plain()["data"][key] for key in ("name", "path") if key in file.plain()["data"]
    }
    bare = {"study": {"name": "bare"}, "data": data, "model": {"name": "other"}}
    typed = [f"{key}={show_setting(setting)}" for key, setting in file.settings().items()]
    assert repr(override(check(bare, "a"), typed).settings()) == repr(dict(file.settings()))


def test_a_file_is_not_changed_by_what_is_done_to_it():
    before = BASE.to_json()
    override(BASE, ["model.heads=4", "study.pruner.min_resource=2", "training.clip=none"])
    assert BASE.to_json() == before
    assert loads('[study]\nname="a"\n[data]\nname="xor"\n[model]\nname="b"', "a").model == {
        "name": "b"
    }
