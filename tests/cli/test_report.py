"""The command `report`: where it writes, and what it refuses before anything is made."""

import pytest

from a3b_tune.cli.app import run
from a3b_tune.tuning import records
from tests.results import building


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Three studies: one without a trial, one without a value, one of another version."""
    url = building.url_in(tmp_path_factory.mktemp("report"))
    building.begun(url)
    building.told(url, [([], "failed: error: it")], "study.name=a/b")
    old = building.begun(url, "study.name=old")
    old.storage.set_study_user_attr(old.id, records.STUDY_FORMAT, 99)
    return url


@pytest.fixture
def report(kept, tmp_path, monkeypatch):
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: run(
        ["report", *words, *(() if "--storage" in words else ("--storage", kept))]
    )


def test_it_is_called_as_the_study_by_default(report, tmp_path, capsys):
    assert report("small") == 0
    assert capsys.readouterr().out.startswith("small.html: small, 0 trials, ")
    page = (tmp_path / "small.html").read_text()
    assert "No trial has ended" in page
    assert "Which pool does the baseline need?" in page
    assert report("a/b", "--title", "What <b>") == 0
    assert "What &lt;b&gt;" in (tmp_path / "a-b.html").read_text()


def test_several_studies_are_one_report(report, tmp_path, capsys):
    assert report("small", "a/b", "small", "--out", "both.md") == 0
    assert capsys.readouterr().out.startswith("both.md: small, a/b, 1 trial, ")
    text = (tmp_path / "both.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## The studies", "## Study small", "## Study a/b",
    ]  # fmt: skip
    assert report("small", "a/b") == 0
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["small", "--out", "small.doc"], "a report's name ends in one of .html, .pdf, .md"),
        (["small", "--out", "no/small.pdf"], "does not exist"),
        (["smal"], "unknown study 'smal'; did you mean 'small'?"),
        (["small", "othr"], "unknown study 'othr'"),
        ([], "studies.db holds small, a/b, old"),
        (["old"], "was made by another version of a3b-tune"),
        (["small", "--title", " "], "--title: is empty"),
        (["small", "--storage", "sqlite:///none.db"], "none.db"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(report, tmp_path, capsys, words, told):
    assert report(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert told in err
    assert list(tmp_path.iterdir()) == []


def test_its_commands_name_the_storage_that_was_named(report, kept, tmp_path):
    assert report("small", "--out", "s.md") == 0
    assert f"a3b-tune show small --storage {kept}" in (tmp_path / "s.md").read_text()
