"""Answers by a tuned study of a text: bits, and samples as bits fall.

Knows the studies by their names, and no page.
"""

from collections import Counter
from math import log2
from textwrap import fill
from typing import Any

from a3b_tune.data import toy
from a3b_tune.results.course.evidence import Evidence, better
from a3b_tune.results.course.section import Answer, measured
from a3b_tune.results.report.blocks import (
    Code,
    Inline,
    Number,
    Plot,
    Plots,
    Series,
    Table,
)
from a3b_tune.results.report.style import GRAY
from a3b_tune.results.report.traced import Traced
from a3b_tune.results.trials import TrialRow
from a3b_tune.tuning.measured import SAMPLE

TOP = 5
# So many samples are shown of a trial.
SHOWN = 4
# Letters in a line of one.
LINE = 88
RATE = "optimizer.lr"


def bits(evidence: Evidence) -> Answer:
    """Question 12."""
    told = evidence.told("toy")
    if told is None:
        return lacking(evidence, "toy")
    best = leader(told)
    alone = _without_context()
    sentence: list[Inline] = [
        "The best trial needs ", told.value(best), " bits for a character that it reads all the "
        "window before, where the characters by their frequency alone need ",
        measured(alone, "bits by frequency alone"), *_excess(told, best), *_floor(told), ".",
    ]  # fmt: skip
    return Answer(sentence, [_table(told), Plots([_curves(told)])])


def samples(evidence: Evidence) -> Answer:
    """Question 13."""
    told = evidence.told("toy")
    if told is None:
        return lacking(evidence, "toy")
    best = leader(told)
    every = [(at, epoch) for at, epoch in enumerate(best.epochs) if epoch.get(SAMPLE)]
    if not every:
        return Answer(["Not answered: these trials wrote no samples."], answered=False)
    most = min(SHOWN, len(every))
    shown = [every[at * (len(every) - 1) // max(1, most - 1)] for at in range(most)]
    rows = [_judged(told, best, *each) for each in shown]
    heads = ["step", "bits", "whole sentences", "of the grammar"]
    table = Table(heads, rows, "What stands in each sample", (True,) * 4)
    (first, _), (last, _) = shown[0], shown[-1]
    sentence: list[Inline] = [
        "While the bits fall from ", of_epoch(told, best, first, "bits"), " to ",
        of_epoch(told, best, last, "bits"), ", what the model writes goes from ",
        *_part(rows[0]), " to ", *_part(rows[-1]), *_valid(told, best), ".",
    ]  # fmt: skip
    texts = [
        Code(
            fill(epoch[SAMPLE], LINE),
            f"trial {best.number} of {told.name}, step {_step(told, epoch)}",
            "text",
        )
        for _, epoch in shown
    ]
    return Answer(sentence, [table, *texts])


def leader(told: Traced) -> TrialRow:
    ranking = told.overview.ranking
    found = ranking[0] if ranking else better(told, told.overview.trials)
    assert found is not None
    return found


def _excess(told: Traced, best: TrialRow) -> list[Inline]:
    if "excess" not in best.scores:
        return []
    excess = best.scores["excess"]
    return [", and ", told.trial(best, "scores.excess", excess, f"{excess:.4f}"),
            " more than the grammar's own predictor on the same characters"]  # fmt: skip


def _floor(told: Traced) -> list[Inline]:
    floor = told.overview.floor
    if floor is None:
        return []
    shown = told.study("floor.value", floor.value, f"{floor.value:.3f}", "theory")
    return ["; the grammar's entropy is ", shown]


def _without_context() -> float:
    """Bits of the toy validation text when each character is guessed by its frequency in a training
    text."""
    known = Counter(toy.generate(toy.TRAIN, 0))
    text = toy.generate(toy.VALIDATION, 1)
    total = sum(known.values())
    return -sum(log2(known[character] / total) for character in text) / len(text)


def _table(told: Traced) -> Table:
    rows = [
        [
            [told.called(row.number)], [told.value(row)], _score(told, row, "bits_error"),
            _score(told, row, "excess"), _score(told, row, "final_bits"),
            _score(told, row, "final_bits_error"), [told.moment(row)],
            [told.setting(row, RATE)],
        ]
        for row in _leading(told)
    ]  # fmt: skip
    heads = ["trial", "bits", "±", "excess", "on fresh windows", "±", "step", "rate"]
    return Table(heads, rows, f"The best trials of {told.name}", (True,) * 8)


def _leading(told: Traced) -> list[TrialRow]:
    found = list(told.overview.ranking) or [leader(told)]
    return found[:TOP]


def _score(told: Traced, row: TrialRow, name: str) -> list[Inline]:
    found = row.scores.get(name)
    return ["–"] if found is None else [told.trial(row, f"scores.{name}", found, f"{found:.4f}")]


def _curves(told: Traced) -> Plot:
    """The bits of every trial by step."""
    leading = {row.number for row in _leading(told)}
    rows = [row for row in told.overview.trials if row.epochs]
    floor = told.overview.floor
    return Plot(
        "Bits by step",
        [
            Series(
                f"trial {row.number}" if row.number in leading else "others",
                [_step(told, epoch) for epoch in row.epochs],
                [epoch["bits"] for epoch in row.epochs],
                group=None if row.number in leading else GRAY,
            )
            for row in sorted(rows, key=lambda row: row.number in leading)
        ],
        "step",
        "bits per character",
        f"all trials of {told.name}",
        "Bits fall steeply at first and then come slowly near the grammar's entropy.",
        lines=[] if floor is None else [("entropy", floor.value)],
        log_y=True,
    )


def _step(told: Traced, epoch: dict[str, Any]) -> int:
    return told.score.moment(int(epoch["epoch"]))


def of_epoch(told: Traced, row: TrialRow, at: int, key: str) -> Number:
    value = row.epochs[at][key]
    return told.trial(row, f"epochs.{at}.{key}", value, f"{value:.4f}")


def _judged(told: Traced, row: TrialRow, at: int, epoch: dict[str, Any]) -> list[list[Inline]]:
    """A row of the table of samples. What stands before the first full stop was begun by the
    validation text; behind it all is the model's own."""
    _, _, own = epoch[SAMPLE].partition(toy.END)
    found = toy.predictor().judge(own)
    source = f"worked out, trial {row.number} of {told.name}: epochs.{at}.sample"
    step = told.trial(row, f"epochs.{at}.epoch, in steps", _step(told, epoch))
    return [
        [step],
        [of_epoch(told, row, at, "bits")],
        [Number(str(found.sentences), found.sentences, f"{source}, sentences")],
        [Number(str(found.valid), found.valid, f"{source}, valid")],
    ]


def _part(row: list[list[Inline]]) -> list[Inline]:
    """`1 of 4 sentences that the grammar can produce`."""
    return [*row[3], " of ", *row[2], " sentences that the grammar can produce"]


def _valid(told: Traced, best: TrialRow) -> list[Inline]:
    """What longer texts at the end of the trial came to."""
    found, number = best.scores.get("valid_share"), best.scores.get("sentences")
    if found is None or number is None:
        return []
    share = told.trial(best, "scores.valid_share", found, f"{100 * found:.1f} %")
    return ["; of ", told.trial(best, "scores.sentences", number, f"{number:.0f}"),
            " sentences written at its end ", share, " are of the grammar"]  # fmt: skip


def lacking(evidence: Evidence, name: str) -> Answer:
    why = evidence.absent.get(name, f"{name} has no trial with a value")
    return Answer([f"Not answered: {why}."], answered=False)
