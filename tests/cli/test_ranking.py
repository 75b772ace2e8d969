import io
from dataclasses import replace

import pytest
from rich.console import Console

from a3b_tune.cli.ranking import ranking_table, short_names
from a3b_tune.cli.score import Score
from a3b_tune.results.trials import ranked, rows
from a3b_tune.study import ACCURACY
from tests.results import building


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    url = building.url_in(tmp_path_factory.mktemp("ranking"))
    stored = building.told(url, [([0.9 - 0.01 * i], "complete") for i in range(12)])
    return ranked(rows(stored.study), ACCURACY)


def shown(trials, names, width) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(ranking_table(trials, names, Score(), width))
    return console.file.getvalue()


def with_params(trials, params):
    return [replace(row, params=params) for row in trials]


MANY = {f"training.some_long_setting_{i}": 0.123456789 * 10**-i for i in range(12)}
FEW = {"model.pool": "select", "model.heads": 4, "optimizer.lr": 0.0031622776}


def test_few_settings_are_a_row_for_each_trial(trials):
    lines = shown(with_params(trials[:5], FEW), list(FEW), 80).splitlines()
    assert lines[0].split() == ["trial", "accuracy", "epoch", "pool", "heads", "lr"]
    assert lines[1].split() == ["0", "0.90000", "1", "select", "4", "0.003162"]
    assert len(lines) == 6


def test_long_names_are_broken_before_the_table_is_turned(trials):
    params = {f"training.label_smoothing{i}": 0.1 for i in range(4)}
    lines = shown(with_params(trials[:2], params), list(params), 78).splitlines()
    assert lines[0].split() == ["label_"] * 4
    assert len(lines) == 4


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("count", [1, 5, 12])
def test_no_number_is_cut_however_many_settings_there_are(trials, width, count):
    text = shown(with_params(trials[:count], MANY), list(MANY), width)
    assert all(len(line) <= width for line in text.splitlines())
    assert "…" not in text
    assert text.count("0.1235") == count
    for row in trials[:count]:
        assert f"{row.value:.5f}" in text


def test_a_setting_that_a_trial_does_not_have_is_a_dash(trials):
    some = [trials[0], replace(trials[1], params=FEW)]
    lines = shown(some, ["model.heads"], 80).splitlines()
    assert [line.split()[-1] for line in lines] == ["heads", "-", "4"]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["model.heads", "optimizer.lr"], ["heads", "lr"]),
        (["model.name", "optimizer.name"], ["model", "optimizer"]),
        (["a.x", "b.x", "a.y"], ["a.x", "b.x", "y"]),
    ],
)
def test_names_are_short_where_that_is_enough(names, short):
    assert short_names(names) == short
