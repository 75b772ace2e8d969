"""What Tab offers for an option is what the option takes."""

import pytest
from typer.testing import CliRunner

from a3b_tune.cli import search_options
from a3b_tune.cli.app import app
from a3b_tune.models import MODELS
from a3b_tune.training import device

# How a shell asks what may come next, and how Typer answers bash: a word on each line.
ASKING = {"_A3B_TUNE_COMPLETE": "complete_bash"}


def offered(*words):
    line = " ".join(["a3b-tune", *words, ""])
    asked = {**ASKING, "COMP_WORDS": line, "COMP_CWORD": str(len(words) + 1)}
    return CliRunner().invoke(app, [], prog_name="a3b-tune", env=asked).stdout.split()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--stack", ("auto",)),
        ("--precision", search_options.PRECISIONS),
        ("--device", ("auto", "cpu", "cuda")),
        ("--model", search_options.MODELS),
    ],
)
@pytest.mark.parametrize("command", [["synth"], ["run", "positions_xor"]])
def test_tab_offers_the_words_of_an_option(command, option, words):
    assert offered(*command, option) == list(words)


def test_the_words_are_those_that_training_knows():
    assert set(search_options.MODELS) == set(MODELS)
    assert search_options.PRECISIONS == device.PRECISIONS
