"""The fourteen questions: all there, each with code that stands where it is said to stand."""

import re
from pathlib import Path

import pytest

from a3b_tune.results.course.document import ANSWERS
from a3b_tune.results.course.questions import QUESTIONS
from a3b_tune.results.course.quoting import ROOT, quote
from a3b_tune.study.catalogue import shipped

CODE = sorted({reference for question in QUESTIONS for reference in question.code})


def test_there_are_fourteen_in_order_and_each_has_an_answer():
    assert [question.number for question in QUESTIONS] == list(range(1, 15)) == list(ANSWERS)
    assert all(question.asks.endswith("?") and question.code for question in QUESTIONS)


def test_what_is_expected_holds_no_number_that_might_have_been_measured():
    assert not [q.number for q in QUESTIONS if re.search(r"\d", f"{q.asks} {q.expects}")]


def test_every_study_that_is_asked_for_comes_along():
    named = {name for question in QUESTIONS for name in question.studies}
    assert named - {"warmup"} <= set(shipped())


@pytest.mark.parametrize("reference", CODE)
def test_code_is_quoted_from_the_line_that_is_named(reference):
    code = quote(reference)
    line, path = re.fullmatch(r".+, line (\d+) of (.+)", code.where).groups()
    lines = (ROOT / Path(path)).read_text(encoding="utf-8").splitlines()[int(line) - 1 :]
    quoted = code.text.splitlines()
    assert [each.strip() for each in lines[: len(quoted)]] == [each.strip() for each in quoted]
    assert reference.rpartition(".")[2].rpartition(":")[2] in quoted[0] + quoted[1]
