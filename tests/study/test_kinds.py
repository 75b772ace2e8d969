from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from a3b_tune.study.kinds import Duration, Real, Text, Whole, Word, show_duration
from a3b_tune.study.settings import Choices, Range

HEADS = Whole(low=1, high=8)
SHARE = Real(low=0.0, below=1.0)
POOL = Word("pool", ("mean", "max"))


@pytest.mark.parametrize(
    ("kind", "value", "clause"),
    [
        (HEADS, 0, "must be at least 1, not 0"),
        (HEADS, 9, "must be at most 8, not 9"),
        (HEADS, 2.0, "must be a whole number: write 2, not 2.0"),
        (HEADS, 2.5, "must be a whole number, not 2.5"),
        (HEADS, True, "must be a whole number, not true"),
        (HEADS, "many", "must be a whole number, not 'many'"),
        (HEADS, {"low": 0, "high": 4}, "must be at least 1, not 0 (in 0..4)"),
        (HEADS, {"low": 1, "high": 4.5}, "must be whole numbers, not 1.0..4.5"),
        (HEADS, {"choices": [1, 9]}, "must be at most 8, not 9 (in 1|9)"),
        (Whole(fixed=True), {"choices": [1]}, "must be one value (it is never searched), not 1|"),
        (SHARE, -0.1, "must be at least 0, not -0.1"),
        (SHARE, 1, "must be below 1, not 1"),
        (SHARE, "half", "must be a number, not 'half'"),
        (SHARE, False, "must be a number, not false"),
        (SHARE, {"low": 0, "high": 1}, "must be below 1, not 1 (in 0..1)"),
        (Real(above=0.0), 0.0, "must be above 0, not 0.0"),
        (Real(high=1.0), 2, "must be at most 1, not 2"),
        (POOL, "maxx", "unknown pool 'maxx'; did you mean 'max'? (known: mean, max)"),
        (POOL, 3, "unknown pool '3' (known: mean, max)"),
        (POOL, {"low": 1, "high": 2}, "must be a word or a choice of words, not 1..2"),
        (Text(), 3, "must be text, not 3"),
        (Text(), " ", "must not be empty"),
        (Text(), "a\nb", "must be printable text on one line, not 'a\\nb'"),
        (Text(), {"choices": ["a"]}, "must be one value (it is never searched), not a|"),
        (Duration(), "soon", "must be seconds, or a time like 45s, 30m, 1h30m, not 'soon'"),
        (Duration(), "30m1h", "must be seconds, or a time like"),
        (Duration(), True, "must be seconds, or a time like"),
        (Duration(), 0, "must be above 0, not 0"),
        (Duration(), "0h", "must be above 0, not '0h'"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be(kind, value, clause):
    with pytest.raises(ValueError, match=r"\w") as error:
        kind.read(value)
    assert clause in str(error.value)


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (HEADS, 8, 8),
        (HEADS, {"low": 1, "high": 8}, Range(low=1, high=8)),
        (HEADS, {"choices": [1, 2]}, Choices(choices=(1, 2))),
        (SHARE, 0, 0.0),
        (SHARE, {"choices": [0]}, Choices(choices=(0.0,))),
        (POOL, {"choices": ["max"]}, Choices(choices=("max",))),
        (Text(flow=True), " two\n  lines ", "two lines"),
        (Duration(), "1h30m", 5400.0),
        (Duration(), "1.5h", 5400.0),
        (Duration(), "1h 5s", 3605.0),
        (Duration(), "90", 90.0),
        (Duration(), 0.5, 0.5),
    ],
)
def test_a_right_value_is_kept_in_the_type_of_its_kind(kind, value, read):
    assert repr(kind.read(value)) == repr(read)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5400.0, "1h30m"), (45.0, "45s"), (3601.0, "1h1s"), (0.5, 0.5)]
)
def test_a_time_is_shown_as_a_person_writes_it(seconds, text):
    assert show_duration(seconds) == text


@given(st.floats(1e-3, 1e12))
def test_a_time_that_is_shown_is_read_back(seconds):
    assert Duration().read(show_duration(seconds)) == seconds


def test_a_kind_reads_the_field_it_annotates_and_lets_an_unset_one_be():
    class Section(BaseModel):
        heads: Annotated[int | Range | None, HEADS] = None

    assert Section().heads is None
    assert Section(heads=None).heads is None
    assert Section(heads={"low": 1, "high": 4}).heads == Range(low=1, high=4)
    with pytest.raises(ValueError, match="must be at least 1, not 0"):
        Section(heads=0)


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (HEADS, {"type": "integer", "minimum": 1, "maximum": 8}),
        (SHARE, {"type": "number", "minimum": 0.0, "exclusiveMaximum": 1.0}),
        (POOL, {"enum": ["mean", "max"]}),
        (Text(), {"type": "string", "minLength": 1}),
    ],
)
def test_the_schema_of_a_kind_has_its_bounds(kind, schema):
    assert kind.schema() == schema
