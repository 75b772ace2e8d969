import shlex
from itertools import pairwise
from random import Random

import pytest

from a3b_tune.results.dashboard.again import Again
from a3b_tune.study import Choices, StudyFile, load, override, shipped
from a3b_tune.study.catalogue import find
from a3b_tune.tuning.space import whole_settings
from tests.results import building

STUDIES = [*shipped().values()]


def drawn(file: StudyFile, rng: Random) -> dict:
    """A trial's settings, as a sampler might draw them."""
    params = {
        name: rng.choice(setting.choices)
        if isinstance(setting, Choices)
        else rng.randint(setting.low, setting.high)
        if isinstance(setting.low, int)
        else rng.uniform(setting.low, setting.high)
        for name, setting in file.searched().items()
    }
    return whole_settings(file, params)


def asked(command: str) -> StudyFile:
    """The study that a command asks for."""
    # As a shell does, a line that ends with \ goes on.
    words = shlex.split(command.replace("\\\n", ""))
    assert words[:2] == ["a3b-tune", "run"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    changes = [word for flag, word in pairwise(words) if flag == "--set"]
    assert options["--trials"] == "1"
    return override(load(find(words[2])), [f"study.name={options['--name']}", *changes])


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
@pytest.mark.parametrize("seed", range(5))
def test_the_command_asks_for_the_same_settings_and_data(path, seed):
    file = load(path)
    settings = drawn(file, Random(seed))
    command = Again(file).command(7, settings)
    assert command is not None
    found = asked(command)
    assert found.study.name == f"{file.study.name}-7"
    assert not found.searched()
    assert whole_settings(found, {}) == settings
    assert found.data == file.data.model_copy(
        update={"max_length": settings.get("data.max_length")}
    )


def test_a_study_of_a_persons_own_is_told_whole(tmp_path):
    table = tmp_path / "it's a table.csv"
    table.write_text("text,label\na,x\n")
    changes = ["data.name=table", f"data.path={table}", "data.seed=3", "training.clip=0.5"]
    file = override(building.file(), [*changes, "study.name=it's mine"])
    settings = drawn(file, Random(0))
    command = Again(file).command(0, settings)
    assert command is not None
    found = asked(command)
    assert whole_settings(found, {}) == settings
    assert found.data.path == str(table)
    assert found.data.seed == 3


def test_settings_of_a_model_that_no_shipped_study_has_are_not_guessed():
    assert Again(building.file()).command(0, {"training.epochs": 3}) is None
