"""A report in a file: the whole of it or nothing."""

import builtins
from importlib.util import find_spec

import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.report import write
from a3b_tune.results.report.blocks import Plots, Report, Section
from a3b_tune.results.report.write import NEEDED, check_path, write_report
from tests.commands import contents
from tests.results.report import example

missing = [name for names in NEEDED.values() for name in names if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"reports are an extra: {missing}")

PLAIN = Report("plain", [("by", "me")], [Section("a", "a")])
DRAWN = Report("drawn", [], [Section("a", "a", [Plots([example.slices()[1]])])])


@pytest.mark.parametrize(
    ("name", "begin"), [("a.html", b"<!doctype html>"), ("a.PDF", b"%PDF-"), ("a.md", b"# plain")]
)
def test_the_name_says_what_it_is(name, begin, tmp_path):
    (tmp_path / name).write_text("what was there before")
    write_report(PLAIN, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begin)
    assert contents(tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("report.docx", "a report's name ends in one of .html, .pdf, .md, not in '.docx'"),
        ("report", "a report's name ends in one of .html, .pdf, .md, not in ''"),
        ("nowhere/report.pdf", "the folder {}/nowhere does not exist"),
        ("folder.md", "this is a folder; give a file in it"),
    ],
)
def test_a_wrong_name_is_told_before_anything_is_made(name, told, tmp_path):
    (tmp_path / "folder.md").mkdir()
    for use in (check_path, lambda path: write_report(PLAIN, path)):
        with pytest.raises(InputError) as error:
            use(tmp_path / name)
        assert str(error.value) == f"{tmp_path / name}: {told.format(tmp_path)}"
    assert contents(tmp_path) == ["folder.md"]


def test_a_missing_package_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "find_spec", lambda name: None if name == "typst" else object())
    with pytest.raises(InputError, match=r"this needs typst: pip install 'a3b-tune\[report\]'$"):
        check_path(tmp_path / "a.pdf")
    check_path(tmp_path / "a.html")


def test_a_package_that_cannot_be_imported_is_one_line_too(tmp_path, monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest, **more):
        if name == "typst":
            raise ImportError("broken", name="typst")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InputError, match="this needs typst"):
        write_report(PLAIN, tmp_path / "a.pdf")
    assert contents(tmp_path) == []


@pytest.mark.parametrize("name", ["a.html", "a.pdf", "a.md"])
def test_a_disk_that_is_full_leaves_what_was_there(name, tmp_path, monkeypatch):
    write_report(DRAWN, tmp_path / name)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(_path, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    other = Report("other", [], [Section("a", "a", [Plots([example.slices()[0]])])])
    with pytest.raises(InputError, match="no space left on device"):
        write_report(other, tmp_path / name)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_pictures_lie_beside_and_those_of_an_earlier_report_go(tmp_path):
    path = tmp_path / "my report.md"
    write_report(DRAWN, path)
    folder = tmp_path / "my report_files"
    (first,) = folder.iterdir()
    assert f"](my%20report_files/{first.name})" in path.read_text()
    (folder / "mine.png").write_text("a person's own")
    other = Report("other", [], [Section("a", "a", [Plots([example.slices()[0]])])])
    write_report(other, path)
    assert (folder / "mine.png").exists()
    assert not first.exists()
    assert len(list(folder.iterdir())) == 2
    (folder / "mine.png").unlink()
    write_report(PLAIN, path)
    assert contents(tmp_path) == ["my report.md"]
