"""The frame of an answer: the question, the code as it stands, the expectation, what was measured,
one sentence.

Knows no evidence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from a3b_tune.results.course.questions import Question
from a3b_tune.results.course.quoting import quote
from a3b_tune.results.report.blocks import Block, Inline, Number, Paragraph, Section

MEASURED = "measured in this run"


@dataclass(frozen=True)
class Answer:
    """What was `measured`, and the one plain sentence; `answered` is False where what it takes was
    not at hand, which the sentence then says."""

    sentence: Sequence[Inline]
    measured: Sequence[Block] = field(default=())
    answered: bool = True


def section(question: Question, answer: Answer) -> Section:
    """One question with all that belongs to it."""
    return Section(
        f"{question.number}. {question.title}",
        f"question-{question.number}",
        [
            Paragraph([question.asks]),
            Paragraph(answer.sentence, "answer" if answer.answered else "warning"),
        ],
        [
            part(question, "Code", [quote(reference) for reference in question.code]),
            part(question, "What theory expects", [Paragraph([question.expects])]),
            *([part(question, "Measured", answer.measured)] if answer.measured else []),
        ],
    )


def part(question: Question, heading: str, blocks: Iterable[Block]) -> Section:
    anchor = heading.lower().replace(" ", "-")
    return Section(heading, f"question-{question.number}-{anchor}", list(blocks))


def measured(value: float, what: str, shown: str = "") -> Number:
    """A number that was measured while the report was made."""
    plain = f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:.3g}"
    return Number(shown or plain, value, f"{MEASURED}: {what}")


def share(value: float, what: str) -> Number:
    """A share as `12.3 %`."""
    return measured(value, what, f"{100 * value:.1f} %")
