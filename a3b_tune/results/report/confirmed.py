"""What became of a study's best settings afterwards: trained again on fresh seeds, scored on the
test split.

Reads the notes of a study as they are stored. Knows no page and not how any of it was worked out.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from a3b_tune.results.report.blocks import (
    Block,
    Inline,
    Number,
    Paragraph,
    Plot,
    Plots,
    Series,
    Table,
)
from a3b_tune.results.report.style import BLUE, ORANGE
from a3b_tune.results.report.traced import Traced, counted

Note = Mapping[str, Any]
HOW = (
    "±: the interval that holds the mean with a confidence of ",
    " (Student's t). P(best): probability of being the best of these (Bayesian bootstrap over "
    "seeds). Said: by the search; gap: by how much more.",
)
LEVEL = Number("95 %", 0.95, "method: the interval's level")


def confirmed(told: Traced) -> Iterator[Block]:
    """The blocks of the section; a sentence where nothing was confirmed or tested."""
    note = told.overview.confirmation
    if note is None:
        yield Paragraph(
            ["The best settings were not yet trained again on fresh seeds: the best of many trials "
             "was also lucky, so its value flatters it."], "note"
        )  # fmt: skip
    else:
        yield from _race(told, note)
    if told.overview.tests:
        yield _tests(told)
    else:
        yield Paragraph(["The test split was not scored."], "note")


def _race(told: Traced, note: Note) -> Iterator[Block]:
    seeds = told.study("confirmation.seeds, counted", len(note["seeds"]))
    day = _moment(told, "confirmation.when", note["when"])
    winner = note["rows"][0]
    yield Paragraph(
        ["Trained again on ", *counted(seeds, "fresh seed"), " (", day, "), the best is trial ",
         told.called(winner["trial"]), ": ", *_mean(told, 0, winner),
         f" {told.overview.file.metric.title}, and the search's own best ",
         "is the same trial." if note["searched"] == winner["trial"] else "is another trial."],
        "answer",
    )  # fmt: skip
    yield _table(told, note)
    yield Paragraph([HOW[0], LEVEL, HOW[1]], "note")
    yield Plots([_plot(told, note)])
    for at, row in enumerate(note["rows"]):
        for place, (seed, fault) in enumerate(row["faults"]):
            number = told.study(f"confirmation.rows.{at}.faults.{place}.0", seed, str(seed))
            yield Paragraph(["Trial ", told.called(row["trial"]), ", seed ", number,
                             f" counts as the worst: {fault}"], "warning")  # fmt: skip


def _table(told: Traced, note: Note) -> Table:
    score = told.score
    rows: list[list[list[Inline]]] = []
    for at, row in enumerate(note["rows"]):
        path = f"confirmation.rows.{at}"
        gap = row["said"] - row["mean"]
        out: list[Inline] = ["–"]
        if row["dropped"] is not None:
            out = ["after ", told.study(f"{path}.dropped", row["dropped"])]
        rows.append(
            [
                [told.called(row["trial"])],
                [told.study(f"{path}.seeds", row["seeds"])],
                _mean(told, at, row),
                [told.study(f"{path}.probability", row["probability"], _share(row["probability"]))],
                [told.study(f"{path}.said", row["said"], score.value(row["said"]))],
                [told.study(f"{path}.said, less the mean", gap, f"{gap:+.4f}", "worked out")],
                out,
            ]
        )
    heads = ["trial", "seeds", f"mean {score.metric.name}", "P(best)", "said", "gap", "dropped"]
    return Table(heads, rows, "The best settings on fresh seeds", [True] * 6)


def _mean(told: Traced, at: int, row: Note) -> list[Inline]:
    path, score = f"confirmation.rows.{at}", told.score
    mean = told.study(f"{path}.mean", row["mean"], score.value(row["mean"]))
    half = row["half"]
    if half is None or not isfinite(half):
        return [mean]
    digits = len(score.value(0.5).partition(".")[2])
    return [mean, " ± ", told.study(f"{path}.half", half, f"{half:.{digits}f}")]


def _share(probability: float) -> str:
    if probability < 0.01:
        return "<1 %"
    return ">99 %" if probability > 0.99 else f"{probability:.0%}".replace("%", " %")


def _plot(told: Traced, note: Note) -> Plot:
    rows = note["rows"]
    names = [f"trial {row['trial']}" for row in rows]
    halves = [row["half"] if row["half"] and isfinite(row["half"]) else 0.0 for row in rows]
    means = [row["mean"] for row in rows]
    low = [mean - half for mean, half in zip(means, halves, strict=True)]
    high = [mean + half for mean, half in zip(means, halves, strict=True)]
    return Plot(
        "Fresh seeds and what the search said",
        [
            Series("mean on fresh seeds", names, means, "interval", low, high, group=BLUE),
            Series("said by the search", names, [row["said"] for row in rows], "points",
                   group=ORANGE),
        ],
        "trial",
        told.overview.file.metric.title,
        f"study {told.name}: confirmation.rows",
        "The mean of each setting over fresh seeds with its interval, beside the search's value.",
    )  # fmt: skip


def _tests(told: Traced) -> Table:
    rows: list[list[list[Inline]]] = []
    for at, note in enumerate(told.overview.tests):
        value, half = note.get("value"), note.get("half")
        cell: list[Inline] = ["–"]
        if value is not None:
            cell = [told.study(f"tests.{at}.value", value, told.score.value(value))]
        if half is not None:
            cell += [" ± ", told.study(f"tests.{at}.half", half, f"{half:.4f}")]
        seeds = told.study(f"tests.{at}.seeds, counted", len(note.get("seeds", ())))
        day = _moment(told, f"tests.{at}.when", note["when"])
        rows.append([[day], [told.called(note["trial"])], cell, [seeds]])
    heads = ["when", "trial", f"test {told.score.metric.name}", "seeds"]
    return Table(heads, rows, "How often the test split was scored", [False, True, True, True])


def _moment(told: Traced, path: str, text: str) -> Number:
    when = datetime.fromisoformat(text).astimezone()
    return told.study(path, when.timestamp(), f"{when:%Y-%m-%d %H:%M}")
