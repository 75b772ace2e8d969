import io

import pytest
from rich.console import Console

from a3b_tune.cli.present_studies import print_studies
from a3b_tune.results.listing import study_lines
from a3b_tune.storage.opening import open_storage
from tests.results import building

WHERE = "sqlite:///studies.db"


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    url = building.url_in(tmp_path_factory.mktemp("studies"))
    building.told(url, building.MIXED)
    building.told(
        url,
        [([1.0], "complete")] * 2,
        "study.name=a_name_that_is_rather_long_for_a_study",
        "model.name=baseline|simple_attention",
        "study.trials=2",
    )
    return study_lines(open_storage(url))


def shown(lines, width=80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_studies(console, lines, WHERE)
    return console.file.getvalue()


def test_a_wide_screen_shows_all_columns(lines):
    head, first, second, *_ = shown(lines, 160).splitlines()
    assert head.split() == ["study", "data", "model", "trials", "best", "ceiling", "last", "trial"]
    assert "baseline, simple_attention  2 of 2" in first
    assert second.split()[:8] == ["small", "xor", "baseline", "6", "of", "12,", "1", "running,"]


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_narrow_one_loses_columns_but_no_part_of_a_word_or_number(lines, width):
    text = shown(lines, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert "6 of 12, 1 running, 1 failed" in text
    for word in ("small", "0.75", "1.0"):
        assert word in text.split()


def test_the_storage_is_named_and_studies_counted(lines):
    assert shown(lines).endswith(f"\n2 studies in {WHERE}\n")
    assert "1 study in" in shown(lines[:1])


def test_where_there_are_none_it_says_how_to_begin():
    assert shown([]) == f"no studies yet in {WHERE}; begin one with: a3b-tune synth --trials 20\n"
