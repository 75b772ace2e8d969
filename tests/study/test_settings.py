import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from a3b_tune.errors import InputError
from a3b_tune.study.settings import (
    Choices,
    Range,
    each_value,
    parse_setting,
    plain_setting,
    read_setting,
    show_setting,
)
from tests.study.strategies import ranges, real, settings, stepped, whole, words


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("4", 4),
        ("none", "none"),
        ("1|2|4", Choices(choices=(1, 2, 4))),
        (" select | max ", Choices(choices=("select", "max"))),
        ("true|false", Choices(choices=(True, False))),
        ("4|", Choices(choices=(4,))),
        ("'a|b'|\"c..d\"", Choices(choices=("a|b", "c..d"))),
        ("1..8", Range(low=1, high=8)),
        ("-1..1", Range(low=-1, high=1)),
        ("1e-4..1e-1:log", Range(low=1e-4, high=1e-1, log=True)),
        ("0..1:step=0.1", Range(low=0.0, high=1.0, step=0.1)),
        ("1 .. 3 : log", Range(low=1, high=3, log=True)),
    ],
)
def test_the_command_line_writes_every_kind_of_setting(text, setting):
    assert parse_setting(text) == setting


@given(settings)
def test_a_setting_is_read_back_from_the_command_line(setting):
    read = parse_setting(show_setting(setting))
    assert repr(read) == repr(setting)


@given(settings)
def test_a_setting_is_read_back_from_plain_values(setting):
    assert repr(read_setting(plain_setting(setting))) == repr(setting)


@given(st.text())
def test_any_text_is_a_setting_or_one_line_that_says_why_not(text):
    try:
        assert parse_setting(text) is not None
    except InputError as error:
        assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("5..1", "low must be below high, and 5 is not below 1"),
        ("2..2", "low must be below high, and 2 is not below 2"),
        ("0..1:log", "a log range must begin above 0, not at 0"),
        ("1..", "'1..' is no range; write LOW..HIGH in numbers, like 1..8 or 1e-4..0.1:log"),
        ("a..b", "'a..b' is no range"),
        ("1...3", "'1...3' is no range"),
        ("1..1e999", "must be a finite number, not inf"),
        ("1..8:lgo", "unknown range option 'lgo'; did you mean 'log'?"),
        ("1..8:step", "unknown range option 'step'; did you mean 'step=NUMBER'?"),
        ("1..8:step=0", "step must be above 0, not 0"),
        ("1..8:step=9", "step 9 is wider than the range 1..8"),
        ("1..8:step=3", "steps of 3 from 1 miss high 8; did you mean high 7?"),
        ("0..1:step=0.3", "steps of 0.3 from 0.0 miss high 1.0; did you mean high 0.9?"),
        ("1..8:log:step=1", "a log range has no step: leave out log or step 1"),
        ("1..8:step=x", "step must be a number, not 'x'"),
        ("1..2|3", "the choice '1..2|3' holds a range, '1..2'"),
        ("1||2", "must not be empty"),
        ("|", "must not be empty"),
        ("a|b|a", "choices hold 'a' twice"),
        ("1|1.0", "choices hold 1.0 twice"),
        ("1|true", "choices hold 1 and true, which the sampler cannot tell apart"),
    ],
)
def test_a_setting_that_cannot_be_says_why(text, clause):
    with pytest.raises(InputError) as error:
        parse_setting(text)
    assert clause in str(error.value)


@pytest.mark.parametrize(
    ("value", "clause"),
    [
        ([1, 2], "a list is no setting; write { choices = [1, 2] }"),
        ({}, "a range needs low and high, and low is missing"),
        ({"low": 1}, "a range needs low and high, and high is missing"),
        ({"lo": 1, "high": 2}, "unknown key of a setting 'lo'; did you mean 'low'?"),
        ({"choises": [1]}, "unknown key of a setting 'choises'; did you mean 'choices'?"),
        ({"choices": [1], "low": 1}, "choices stand alone, without low"),
        ({"choices": []}, "choices must not be empty"),
        ({"choices": 3}, "choices must be a list, [...], not 3"),
        ({"choices": [[1]]}, "must be a number, a word or true/false, not [1]"),
        ({"low": "a", "high": 2}, "low must be a number, not 'a'"),
        ({"low": True, "high": 2}, "low must be a number, not true"),
        ({"low": 1, "high": 2, "log": "yes"}, "log must be true or false, not 'yes'"),
        (None, "must be a number, a word or true/false, not None"),
    ],
)
def test_plain_values_that_are_no_setting_say_why(value, clause):
    with pytest.raises(ValueError, match=r"\w") as error:
        read_setting(value)
    assert clause in str(error.value)


def test_numbers_of_one_setting_are_of_one_kind():
    assert Range(low=1, high=2.5) == Range(low=1.0, high=2.5)
    assert not Range(low=0, high=1, step=0.25).integer
    assert repr(Choices(choices=(0, 0.5)).choices) == "(0.0, 0.5)"
    assert Range(low=1, high=8).integer


@pytest.mark.parametrize("kind", [Range(low=1, high=2), Choices(choices=(1,))])
def test_settings_do_not_change(kind):
    with pytest.raises(ValidationError, match="frozen"):
        kind.low = 3


@given(stepped())
def test_the_values_of_a_stepped_range_go_from_low_to_high(setting):
    values = setting.values()
    assert (values[0], values[-1], len(values)) == (setting.low, setting.high, setting.points())
    assert list(values) == sorted(set(values))


@given(ranges(real))
def test_floats_without_a_step_have_no_end_of_values(setting):
    assert setting.points() is None
    with pytest.raises(ValueError, match="no end of values"):
        setting.values()


@given(ranges(whole))
def test_whole_numbers_are_counted(setting):
    assert setting.points() == setting.high - setting.low + 1


def test_a_change_reaches_every_value_and_keeps_the_rest():
    assert each_value(3, float) == 3.0
    setting = each_value(Range(low=1, high=100, log=True), float)
    assert repr(setting) == repr(Range(low=1.0, high=100.0, log=True))
    assert repr(each_value(Range(low=0, high=4, step=2), float).step) == "2.0"
    assert each_value(Choices(choices=("a", "b")), str.upper) == Choices(choices=("A", "B"))


@given(words)
def test_a_refused_value_is_told_with_the_setting_it_stands_in(word):
    def refuse(value):
        raise ValueError(f"not {value}")

    with pytest.raises(ValueError, match=r"\(in ") as error:
        each_value(Choices(choices=(word,)), refuse)
    assert show_setting(Choices(choices=(word,))) in str(error.value)
