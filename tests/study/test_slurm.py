import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.errors import InputError
from a3b_tune.study.differences import differences
from a3b_tune.study.file import StudyFile, check, loads
from a3b_tune.study.overriding import override
from a3b_tune.study.schema import json_schema
from a3b_tune.study.slurm import OWN, parse_options
from a3b_tune.study.toml import dumps_toml
from tests.study.strategies import scalars

PLAIN = {"study": {"name": "a"}, "data": {"name": "xor"}, "model": {"name": "baseline"}}
names = st.from_regex(r"z[a-z0-9]{1,5}(-[a-z0-9]{1,5}){0,2}", fullmatch=True)
values = scalars.filter(lambda value: not set(str(value)) & set("'\"\\"))


def file(**slurm) -> StudyFile:
    return check({**PLAIN, "slurm": slurm}, "a.toml")


def refused(**slurm) -> str:
    with pytest.raises(InputError) as error:
        file(**slurm)
    text = str(error.value)
    assert text.startswith("a.toml: ") and len(text.splitlines()) == 1
    return text.removeprefix("a.toml: ")


@given(st.dictionaries(names, values))
def test_a_table_survives_toml_and_json(table):
    study = file(**table)
    assert study.slurm == table
    assert loads(dumps_toml(study), "a.toml") == study
    assert StudyFile.from_json(study.to_json()) == study


@given(st.dictionaries(names, values))
def test_where_a_study_runs_is_no_part_of_what_it_is(table):
    assert file(**table).identity() == file().identity()
    assert differences(file(), file(**table)) == []
    assert not [key for key in file(**table).settings() if key.startswith("slurm")]


def test_a_file_without_the_table_says_nothing_of_it():
    assert "slurm" not in dumps_toml(file())


def test_an_underscore_in_a_name_is_a_hyphen():
    assert file(cpus_per_task=4).slurm == {"cpus-per-task": 4}
    assert file(**{"cpus-per-task": 4}) == file(cpus_per_task=4)


@pytest.mark.parametrize("name", OWN)
def test_what_a3b_tune_sets_is_refused_however_it_is_written(name):
    assert f"a3b-tune sets {name} itself" in refused(**{name: "x"})
    assert f"a3b-tune sets {name} itself" in refused(**{name.replace("-", "_"): "x"})
    with pytest.raises(InputError, match=r"^--set-slurm .*a3b-tune sets"):
        parse_options([f"{name}=x"], "--set-slurm")


def test_a_name_that_sbatch_would_complete_is_refused_too():
    assert refused(arr="0-9") == (
        "slurm: a3b-tune sets array itself; see --workers and --array-limit"
    )


@pytest.mark.parametrize(
    ("table", "line"),
    [
        (
            {"comment": "one\n#SBATCH --uid=0"},
            r"slurm.comment: must be printable text on one line, not 'one\n#SBATCH --uid=0'",
        ),
        ({"comment": 'a" b'}, "slurm.comment: must hold no quotes and no backslash, not 'a\" b'"),
        ({"account": ""}, "slurm.account: must not be empty"),
        (
            {"partition": {"choices": ["a", "b"]}},
            "slurm.partition: must be one value (it is never searched), not "
            "{ choices = ['a', 'b'] }",
        ),
        ({"mem": [1]}, "slurm.mem: must be one value (it is never searched), not [1]"),
        (
            {"a b": 1},
            "slurm: an option of sbatch is a long name like partition, not 'a b'",
        ),
        ({"-p": 1}, "slurm: an option of sbatch is a long name like partition, not '-p'"),
    ],
)
def test_what_cannot_be_passed_through_is_one_line(table, line):
    assert refused(**table) == line


def test_the_table_itself_must_be_one():
    with pytest.raises(InputError, match=r"a.toml: slurm: must be a section, \[slurm\], not 3"):
        check({**PLAIN, "slurm": 3}, "a.toml")


def test_the_command_line_names_options_as_the_table_does():
    typed = ["partition=gpu", "cpus_per_task = 4", "exclusive=true", "comment=two words"]
    assert parse_options(typed, "--set-slurm") == {
        "partition": "gpu", "cpus-per-task": 4, "exclusive": True, "comment": "two words",
    }  # fmt: skip
    changed = override(file(partition="cpu"), ["slurm.partition=gpu", "slurm.cpus-per-task=2"])
    assert changed.slurm == {"partition": "gpu", "cpus-per-task": 2}


@pytest.mark.parametrize("typed", ["partition", "partition=", "=gpu"])
def test_an_option_without_its_value_is_refused(typed):
    with pytest.raises(InputError, match=r"^--set-slurm"):
        parse_options([typed], "--set-slurm")


@pytest.mark.parametrize("typed", ["partition=a|b", "mem=1..8"])
def test_on_the_command_line_too_an_option_is_never_searched(typed):
    with pytest.raises(InputError, match="must be one value"):
        override(file(), [f"slurm.{typed}"])


def test_an_editor_accepts_the_table():
    jsonschema = pytest.importorskip("jsonschema")
    valid = jsonschema.Draft7Validator(json_schema({"baseline": []})).is_valid
    assert valid(tomllib.loads(dumps_toml(file(partition="gpu", exclusive=True))))
    assert valid({**PLAIN, "slurm": {"cpus_per_task": 2, "cpus-per-task": 2}})
    assert not valid({**PLAIN, "slurm": {"partition": ["a"]}})
    assert not valid({**PLAIN, "slurm": {"a b": 1}})
