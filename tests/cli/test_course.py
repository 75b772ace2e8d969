"""The command `course` from a plan of tiny studies to its pages."""

import json
import re
import sqlite3
from contextlib import closing

import pytest

from a3b_tune.cli import course_plan, course_running
from a3b_tune.cli.app import run
from a3b_tune.cli.course_plan import PLANS, Part, study_file
from a3b_tune.results.course.questions import QUESTIONS
from a3b_tune.training.checks import check_model
from a3b_tune.tuning.sampling import check_sampler
from tests.commands import contents, refused

ROWS = ("data.rows=64", "training.epochs=1", "training.batch_size=64", "study.pruner=none")
BOTH = ("study.sampler=grid", "optimizer.lr=0.01")
TINY = (
    Part("positions_xor", "positions_xor", "tiny", 2, (*ROWS, *BOTH, "model.width=4"), 1, 60),
    Part("baseline_imdb", "baseline_imdb", "tiny_imdb", 1, ROWS, 1, 60),
    Part("transformer_imdb", "transformer_imdb", "tiny_blocks", 1, ROWS, 1, 60),
)
PAGES = ["report.html", "report.md", "report.pdf"]
QUICKEST = ("--workers", "1")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(course_plan, "PLANS", {"quick": TINY, "full": TINY})
    return tmp_path


def ended(file):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT count(*) FROM trials").fetchone()[0]


def test_studies_are_run_once_and_the_pages_answer(here, capsys, monkeypatch):
    assert run(["course", "--out", "out", "--only", "4,8,9", "--json", *QUICKEST]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert "study 1 of 1: tiny, for question 8; about" in err
    assert [each["number"] for each in told["questions"]] == [4, 8, 9]
    assert [each["answered"] for each in told["questions"]] == [True, True, False]
    assert "`" not in told["questions"][2]["answer"]
    assert "a3b-tune data fetch imdb" in told["questions"][2]["answer"]
    assert [name for name in contents(here / "out") if name.startswith("report.")] == PAGES
    page = (here / "out" / "report.md").read_text(encoding="utf-8")
    headings = [int(found) for found in re.findall(r"^#+ (\d+)\\?\. ", page, re.MULTILINE)]
    assert headings == [4, 8, 9]
    assert "a3b-tune course --budget quick --out out --only 4,8,9" in page
    assert ended(here / "out" / "course.db") == 2

    monkeypatch.setattr(course_running, "PAGES", ("report.md",))
    assert run(["course", "--out", "out", "--only", "8", *QUICKEST]) == 0
    out, _ = capsys.readouterr()
    assert "study 1" not in out
    assert told["questions"][1]["answer"] in out
    assert ended(here / "out" / "course.db") == 2

    other = Part("positions_xor", "positions_xor", "tiny", 2, (*ROWS, *BOTH), 1, 60)
    monkeypatch.setattr(course_plan, "PLANS", {"quick": (other,)})
    line = refused(capsys, "course", "--out", "out", "--only", "8", *QUICKEST)
    assert "'tiny'" in line
    assert "began with other settings: model.width" in line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--only", "15"), "--only 15: '15' is none of the questions 1 to 14"),
        (("--only", "8,x"), "--only 8,x: 'x' is none of the questions 1 to 14"),
        (("--budget", "qick"), "unknown budget 'qick'; did you mean 'quick'?"),
        (("--workers", "no"), "--workers: 'no' is neither auto nor a whole number from 1"),
        (("--storage", "mysql://x"), "mysql"),
    ],
)
def test_a_mistake_costs_one_line_and_makes_nothing(here, capsys, words, told):
    assert told in refused(capsys, "course", "--out", "out", *words)
    assert contents(here) == []


def test_a_file_is_no_folder(here, capsys):
    (here / "out").write_text("")
    assert "this is a file; name a folder" in refused(capsys, "course", "--out", "out")


@pytest.mark.parametrize("budget", PLANS)
def test_a_plan_has_every_study_that_the_questions_ask_for(budget):
    parts = PLANS[budget]
    assert {part.role for part in parts} == {n for each in QUESTIONS for n in each.studies}
    assert len({part.name for part in parts}) == len(parts)
    for part in parts:
        file = study_file(part)
        check_model(file, part.role)
        check_sampler(file)
        # A study that was made shorter is another one, and may not take the whole one's name.
        assert bool(part.changes) == (part.name != part.file)


def test_quick_is_bounded_below_twenty_minutes():
    assert sum(part.most or 3600 for part in PLANS["quick"]) < 17 * 60
