import inspect
from typing import get_type_hints

import pytest

from a3b_tune.cli import doctor, studies
from a3b_tune.cli.options import JsonOption, StorageOption, complete_from, whole_number
from a3b_tune.errors import InputError


def test_tab_offers_the_words_that_begin_so():
    complete = complete_from(["mean", "max", "select"])
    assert complete("m") == ["mean", "max"]
    assert complete("") == ["mean", "max", "select"]
    assert complete("x") == []


def test_a_number_that_is_none_or_too_small_is_refused_with_what_was_typed():
    assert whole_number("--top", "3", 1) == 3
    for text in ("many", "3.5", "", "0", "-2"):
        with pytest.raises(InputError, match=f"--top {text}: must be "):
            whole_number("--top", text, 1)


@pytest.mark.parametrize("command", [studies.studies, studies.show, studies.export, doctor.doctor])
def test_the_same_word_is_the_same_option_in_every_command(command):
    hints = get_type_hints(command, include_extras=True)
    assert hints["storage"] is StorageOption
    assert hints.get("as_json", JsonOption) is JsonOption
    assert inspect.signature(command).parameters["storage"].default is None
