"""The whole document: the fourteen questions in order, each with its answer, and how it was made.

Knows which answer belongs to which question, and no page.
"""

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from a3b_tune.results.course import code_answers, learning_answer, study_answers, text_answers
from a3b_tune.results.course.evidence import Evidence
from a3b_tune.results.course.questions import QUESTIONS, WORDING, Question
from a3b_tune.results.course.section import Answer, section
from a3b_tune.results.report.blocks import (
    Block,
    Code,
    Inline,
    Paragraph,
    Report,
    Section,
    Table,
)
from a3b_tune.results.report.text import told
from a3b_tune.results.report.traced import Traced
from a3b_tune.tuning import records

ANSWERS: dict[int, Callable[[Evidence], Answer]] = {
    1: code_answers.conversion,
    2: code_answers.batches,
    3: study_answers.pools,
    4: code_answers.simple,
    5: study_answers.simple_against_baseline,
    6: code_answers.full,
    7: study_answers.full_against_simple,
    8: study_answers.positions,
    9: study_answers.blocks,
    10: code_answers.windows,
    11: code_answers.masking,
    12: text_answers.bits,
    13: text_answers.samples,
    14: learning_answer.learning,
}
TITLE = "Assignment 3B: fourteen questions, answered by measurement"


@dataclass(frozen=True)
class Answered:
    """One question with its answer."""

    question: Question
    answer: Answer

    @property
    def sentence(self) -> str:
        return told(self.answer.sentence)


def answered(evidence: Evidence, numbers: Iterable[int]) -> list[Answered]:
    """The answers to these questions, in order; what is tried out is tried out now."""
    wanted = set(numbers)
    return [
        Answered(question, ANSWERS[question.number](evidence))
        for question in QUESTIONS
        if question.number in wanted
    ]


def document(
    evidence: Evidence, answers: Sequence[Answered], budget: str, commands: Sequence[str]
) -> Report:
    """The report.

    :param commands: what to type to make it again.
    """
    about = [
        ("written", f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"),
        ("by", " · ".join(f"{name} {value}" for name, value in records.versions().items())),
        ("commit", records.commit() or "unknown"),
        ("machine", platform.platform()),
        ("budget", budget),
    ]
    sections = [
        Section("Answers in short", "answers", _short(answers)),
        *(section(each.question, each.answer) for each in answers),
        Section("How this was made", "made", _made(evidence, commands)),
    ]
    return Report(TITLE, about, sections)


def _short(answers: Sequence[Answered]) -> list[Block]:
    rows: list[list[list[Inline]]] = [
        [[f"{each.question.number}. {each.question.title}"], list(each.answer.sentence)]
        for each in answers
    ]
    return [Table(["question", "answer"], rows, "", (False, False)), Paragraph([WORDING], "note")]


def _made(evidence: Evidence, commands: Sequence[str]) -> list[Block]:
    found: list[Block] = []
    if evidence.studies:
        rows = [_study(Traced(each)) for each in evidence.studies.values()]
        heads = ["study", "ended", "complete", "pruned", "failed", "seconds of work"]
        numeric = (False, True, True, True, True, True)
        found.append(Table(heads, rows, "The studies that were read", numeric))
    for name, why in evidence.absent.items():
        found.append(Paragraph([f"{name} is not among them: {why}."], "warning"))
    for name, cut in evidence.cuts.items():
        if cut and name in evidence.studies:
            where = f"what was changed of the study file {name}, to be short"
            found.append(Code("\n".join(f"--set {change}" for change in cut), where, "sh"))
    return [*found, Code("\n".join(commands), "to make this again, or to go on", "sh")]


def _study(told: Traced) -> list[list[Inline]]:
    overview = told.overview
    spent = sum(overview.seconds.values())
    counts = overview.counts
    return [
        [overview.name],
        [told.study("ended", overview.ended)],
        [told.study("counts.complete", counts["complete"])],
        [told.study("counts.pruned", counts["pruned"])],
        [told.study("counts.failed", counts["failed"])],
        [told.study("seconds", spent, f"{spent:.0f}")],
    ]
