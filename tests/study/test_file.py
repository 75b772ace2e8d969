import json

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from a3b_tune.errors import InputError
from a3b_tune.study.file import FILE_LIMIT, StudyFile, check, load, loads
from a3b_tune.study.settings import Choices, Range
from tests.study.strategies import scalars, study_files

SMALL = """
[study]
name = "small"
[data]
name = "xor"
[model]
name = "full_attention"
heads = { choices = [1, 2] }
[optimizer]
lr = { low = 1e-4, high = 1e-1, log = true }
[training]
epochs = 3
"""


def small(**study):
    plain = loads(SMALL, "small.toml").plain()
    return check({**plain, "study": {**plain["study"], **study}}, "small.toml")


def test_settings_are_told_by_dotted_name():
    file = loads(SMALL, "small.toml")
    assert file.searched() == {
        "model.heads": Choices(choices=(1, 2)),
        "optimizer.lr": Range(low=1e-4, high=1e-1, log=True),
    }
    assert file.fixed() == {
        "model.name": "full_attention", "optimizer.name": "adam", "optimizer.weight_decay": 0.0,
        "optimizer.momentum": 0.0, "optimizer.beta1": 0.9, "optimizer.beta2": 0.999,
        "training.epochs": 3, "training.batch_size": 32, "training.warmup": 0.0,
        "training.schedule": "constant", "training.label_smoothing": 0.0,
        "training.word_dropout": 0.0,
    }  # fmt: skip


@given(study_files)
def test_each_setting_is_either_searched_or_fixed_and_none_is_unset(file):
    assert file.settings() == {**file.settings(), **file.searched(), **file.fixed()}
    assert not set(file.searched()) & set(file.fixed())
    assert None not in file.settings().values()
    assert {key.partition(".")[0] for key in file.settings()} <= {
        "data", "model", "optimizer", "samples", "training"
    }  # fmt: skip


@given(study_files)
def test_a_file_survives_json(file):
    again = StudyFile.from_json(file.to_json())
    assert again == file
    assert repr(again) == repr(file)
    assert len(file.to_json().splitlines()) == 1


@given(study_files)
def test_identity_leaves_out_the_budget_and_nothing_that_changes_a_trial(file):
    plain = {**file.plain(), "study": {**file.plain()["study"], "trials": 7, "timeout": 9}}
    longer = check(plain, "a.toml")
    assert longer.identity() == file.identity()
    assert json.loads(json.dumps(file.identity())) == file.identity()
    changed = check({**plain, "data": {**plain["data"], "seed": file.data.seed ^ 1}}, "a.toml")
    assert changed.identity() != file.identity()


def test_the_wording_of_a_question_is_no_part_of_a_study_identity():
    assert small(question="how?").identity() == small(question="why?").identity()


junk = st.recursive(
    st.one_of(st.none(), scalars, st.floats(), st.text()),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=8), values, max_size=3)
    ),
    max_leaves=8,
)
sections = st.sampled_from(["study", "data", "model", "optimizer", "training"])
keys = st.sampled_from(["name", "pruner", "sampler", "lr", "epochs", "low", "choices", "path"])


@hypothesis_settings(max_examples=200)
@given(st.dictionaries(sections | st.text(), junk | st.dictionaries(keys, junk)) | junk)
def test_any_junk_is_a_file_or_one_line_that_says_why_not(data):
    try:
        assert isinstance(check(data, "a.toml"), StudyFile)
    except InputError as error:
        assert str(error).startswith("a.toml: ")
        assert len(str(error).splitlines()) == 1


@given(st.text())
def test_any_text_is_a_file_or_one_line_that_says_why_not(text):
    for read in (loads, StudyFile.from_json):
        with pytest.raises(InputError, match=r"^a\.toml: ") as error:
            read(text, "a.toml")
        assert len(str(error.value).splitlines()) == 1


def test_a_file_is_called_as_its_study_where_it_says_nothing_else(tmp_path):
    path = tmp_path / "my_study.toml"
    path.write_text(SMALL.replace('name = "small"', ""))
    assert load(path).study.name == "my_study"
    path.write_text(SMALL)
    assert load(str(path)).study.name == "small"


def test_a_table_is_looked_for_beside_the_file_that_names_it(tmp_path, monkeypatch):
    text = SMALL.replace('name = "xor"', 'name = "table"\npath = "rows/mine.csv"')
    (tmp_path / "table.toml").write_text(text)
    monkeypatch.chdir("/")
    assert load(tmp_path / "table.toml").data.path == str(tmp_path / "rows/mine.csv")


@pytest.mark.parametrize(
    ("content", "clause"),
    [
        (b"lr = 1e-4..1e-1", "not TOML: "),
        (b"[study]\nname = 'caf\xe9'", "line 2 is not UTF-8 text"),
        (b"[study]\nname = 'a'", "the section [data] is missing"),
        (b"a = " + b"[" * 10_000, "not TOML: "),
        (b"[training]\nepochs = " + b"9" * 5_000, "not TOML: "),
        (b"#" * (FILE_LIMIT + 1), f"too large for a study file ({FILE_LIMIT + 1} bytes)"),
    ],
)
def test_what_is_no_study_file_is_told_in_one_line(tmp_path, content, clause):
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: {clause}")
    assert len(str(error.value).splitlines()) == 1


def test_a_file_that_is_not_there_or_is_a_folder_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none.toml: no such file or directory$"):
        load(tmp_path / "none.toml")
    with pytest.raises(InputError, match=r"is a directory$"):
        load(tmp_path)


def test_a_file_of_another_editor_is_read(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(path) == loads(SMALL, "a.toml")


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        (
            {"sampler": "grid"},
            "study.sampler: a grid needs choices or a step, and optimizer.lr is ",
        ),
        ({"pruner": {"name": "asha", "min_resource": 4}}, "must be at most training.epochs (3)"),
    ],
)
def test_a_search_that_cannot_be_is_refused(change, clause):
    with pytest.raises(InputError) as error:
        small(**change)
    assert clause in str(error.value)


def test_a_grid_of_too_many_points_is_refused():
    text = SMALL.replace("log = true", "step = 0.0001").replace(
        "epochs = 3", "epochs = { low = 1, high = 999 }"
    )
    assert loads(text, "a.toml").searched()["optimizer.lr"].points() == 1000
    with pytest.raises(InputError, match="the grid has more than 100000 points"):
        loads(text.replace('name = "small"', 'name = "small"\nsampler = "grid"'), "a.toml")


def test_a_model_may_be_one_of_several():
    text = SMALL.replace('"full_attention"', '{ choices = ["full_attention", "transformer"] }')
    assert loads(text, "a.toml").searched()["model.name"].choices == (
        "full_attention",
        "transformer",
    )


def test_what_is_the_same_in_every_trial_tells_what_became_of_the_data():
    text = "[study]\nname='a'\n[data]\nname='imdb'\nbigrams=500\n[model]\nname='baseline'\n"
    file = loads(text, "a.toml")
    constant = file.constant()
    assert constant["data.bigrams"] == 500
    assert not {"data.vocabulary", "data.rows", "data.embeddings", "data.name"} & set(constant)
    assert {key: constant[key] for key in file.fixed()} == file.fixed()
