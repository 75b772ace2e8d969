"""How trials ended, and why those that did not complete did not.

Knows no page.
"""

from collections.abc import Iterator

from a3b_tune.results.report.blocks import Block, Inline, Paragraph, Table
from a3b_tune.results.report.traced import Traced, counted

# Reasons that have a row of their own.
MOST = 30


def endings(told: Traced) -> Iterator[Block]:
    """The blocks of the section."""
    overview = told.overview
    states: list[list[Inline]] = [
        [told.study(f"counts.{state}", number), f" {state}"]
        for state, number in overview.counts.items()
        if number
    ]
    parts: list[Inline] = []
    for state in states:
        parts += [", ", *state] if parts else state
    of: list[Inline] = [
        " of ",
        *counted(told.study("asked", overview.asked, kind="asked"), "trial"),
    ]
    yield Paragraph([*(parts or ["none"]), *of, " asked for."])
    if overview.lost:
        yield Paragraph(["The worker of trial ", *told.calls(overview.lost),
                         " is gone; going on runs it again."], "warning")  # fmt: skip
    if overview.repeats:
        yield Paragraph(["Trials that ran an earlier one's settings with a new seed: ",
                         *told.calls(list(overview.repeats)), "."], "note")  # fmt: skip
    if overview.reasons:
        yield _reasons(told)
    again = [row.number for row in overview.trials if row.interruptions]
    if again:
        number = told.study("trials with interruptions, counted", len(again))
        yield Paragraph([*counted(number, "trial"), " went back to the queue at least once: ",
                         *told.calls(again), "."], "note")  # fmt: skip


def _reasons(told: Traced) -> Table:
    rows: list[list[list[Inline]]] = [
        [
            [reason.state],
            [reason.text],
            [told.study(f"reasons.{at}.numbers, counted", len(reason.numbers))],
            told.calls(reason.numbers),
        ]
        for at, reason in enumerate(told.overview.reasons[:MOST])
    ]
    left = len(told.overview.reasons) - MOST
    if left > 0:
        number = told.study("reasons, counted, less those above", left, kind="worked out")
        rows.append([["…"], [number, " more"], [], []])
    heads = ["ended", "reason", "trials", "which"]
    return Table(heads, rows, "Why trials did not complete", [False, False, True, False])
