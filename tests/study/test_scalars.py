import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.study.scalars import checked, number, parse_scalar, plain_scalar, quoted, shown
from tests.study.strategies import scalars, words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("-3", -3),
        ("1_000", 1000),
        ("4.0", 4.0),
        ("1e-4", 0.0001),
        ("1E5", 100000.0),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("select", "select"),
        (" select ", "select"),
        ('"4"', "4"),
        ("'4'", "4"),
        ('"say \\"hi\\""', 'say "hi"'),
        ("1.5.2", "1.5.2"),
        ("nan", "nan"),
        ("package.module:Class", "package.module:Class"),
    ],
)
def test_a_piece_of_the_command_line_becomes_a_value_of_its_type(text, value):
    read = parse_scalar(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("", "must not be empty"),
        ('"', "the quote in '\"' does not end"),
        ('"abc', "the quote in '\"abc' does not end"),
        ('"a"b', "does not end"),
        ("1e999", "must be a finite number, not inf"),
        ("9007199254740993", "must be a number between -2**53 and 2**53, not 9007199254740993"),
        ("a\tb", "must be printable text on one line, not 'a\\tb'"),
        ('"\\ud800"', "must be printable text on one line"),
    ],
)
def test_a_piece_that_cannot_be_says_why(text, clause):
    with pytest.raises(ValueError, match=r"must|quote") as error:
        parse_scalar(text)
    assert clause in str(error.value)


@given(scalars)
def test_a_checked_value_is_kept_as_it_is(value):
    assert checked(value) is value


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, b"x", 1j])
def test_what_is_no_single_value_is_refused(value):
    with pytest.raises(ValueError, match="must be a number, a word or true/false"):
        checked(value)


@pytest.mark.parametrize("value", [True, "1", None])
def test_what_is_no_number_is_refused_under_its_name(value):
    with pytest.raises(ValueError, match="low must be a number"):
        number(value, "low")


@given(
    st.one_of(
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_numbers_are_written_so_that_they_are_read_back(value):
    read = parse_scalar(plain_scalar(value))
    assert (read, type(read)) == (value, type(value))


@given(words)
def test_any_text_is_read_back_from_quotes(text):
    assert parse_scalar(quoted(text)) == text


@given(
    st.recursive(
        st.one_of(st.none(), scalars), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_any_value_is_shown_on_one_short_line(value):
    assert len(shown(value)) <= 60
    assert len(shown(value).splitlines()) <= 1


def test_values_are_shown_as_toml_writes_them():
    assert (
        shown({"low": 1, "log": True, "of": [1, "a"]}) == "{ low = 1, log = true, of = [1, 'a'] }"
    )
    assert shown(10**100) == "a number of more than 60 digits"
