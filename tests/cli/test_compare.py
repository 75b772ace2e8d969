import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from tests.commands import answered, contents, refused
from tests.results import building
from tests.results.quickly import few_rows, told_quickly

GOOD = [([0.5, 0.75], "complete"), ([0.6, 0.65], "pruned: behind at epoch 2")] * 3
BAD = [([0.5], "complete"), ([0.55, 0.6], "complete")] * 2


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A database with four studies."""
    folder = tmp_path_factory.mktemp("compare")
    url = building.url_in(folder)
    with told_quickly():
        building.told(url, GOOD, "study.name=good")
        building.told(url, BAD, "study.name=a_study_of_a_long_name", "training.epochs=2")
        building.told(url, [], "study.name=empty")
    with told_quickly(replace(few_rows(), class_names=("no", "yes"))):
        building.told(url, BAD[:2], "study.name=elsewhere", "data.seed=1")
    return folder / "studies.db"


@pytest.fixture(autouse=True)
def here(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect("a3b-tune.db")) as to:
        source.backup(to)
    return tmp_path


def test_the_screen_tells_who_is_ahead(capsys):
    out = answered(capsys, "compare", "good", "a_study_of_a_long_name")
    for text in ("For 4 trials each", "For 6 epochs each", "s of work each", "P(best)"):
        assert text in out
    assert "For 4 trials each good is ahead: 0.74" in out
    assert "Best settings, where they differ" in out
    assert "ceiling" in out and "confirmed" not in out
    assert max(map(len, out.split("\n\n")[0].splitlines())) <= 80
    assert "…" not in out


def test_a_script_reads_json_alone(capsys):
    told = json.loads(answered(capsys, "compare", "good", "a_study_of_a_long_name", "--json"))
    assert [equal["winner"] for equal in told["equal"]] == ["good"] * 3


def test_a_report_is_written_where_it_was_asked_for(capsys, here):
    out = answered(capsys, "compare", "good", "a_study_of_a_long_name", "--out", "c.html")
    assert out.endswith("report in c.html\n")
    assert "good is ahead" in (here / "c.html").read_text()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("good",), "compare good: with what? name two studies or more"),
        (("good", "good"), "compare good: this study is named twice"),
        (("good", "empty"), "study 'empty' has no trial that has ended; compare needs 2"),
        (("good", "elsewhere"), "its data is xor of another seed or split, not the same as xor"),
        (("good", "nowhere"), "unknown study 'nowhere'"),
        (("good", "empty", "--out", "c.doc"), "c.doc: a report's name ends in one of"),
        ((), "Missing argument"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(capsys, here, words, text):
    assert text in refused(capsys, "compare", *words)
    assert all(name.startswith("a3b-tune.db") for name in contents(here))
