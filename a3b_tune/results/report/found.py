"""What a study found: one plain sentence, the best settings, the best trials, and the limit that
theory knows.

Knows no page and nothing of confirmations.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from a3b_tune.results import figures
from a3b_tune.results.report.blocks import Block, Inline, Number, Paragraph, Table
from a3b_tune.results.report.traced import Traced, counted

if TYPE_CHECKING:
    from a3b_tune.results.trials import TrialRow

TOP = 10
# Digits of a setting beside others; the best one's are told to more.
DIGITS = 4
# What a trial measured beside its value, in words, and whether an error stands beside it.
SCORES = {
    "validation_loss": "validation loss after the last epoch",
    "final_bits": "bits on fresh windows",
    "final_excess": "excess over the ideal predictor on fresh windows",
    "excess": "excess over the ideal predictor",
    "final_bits_all": "bits of all positions on fresh windows",
    "bits_all": "bits of all positions",
    "sentences": "sampled sentences",
    "valid_share": "share of them that the grammar allows",
    "sentence_bits": "bits of each of them",
}


def found(told: Traced) -> Iterator[Block]:
    """The blocks of the section."""
    yield Paragraph(answer(told), "answer")
    yield from standing(told)
    best = told.overview.best
    if best is None:
        return
    yield settings_of(told, best)
    if scores := _scores(told, best):
        yield Table(["", "measured"], scores, "What else the best trial measured", (False, True))
    if len(told.overview.ranking) > 1:
        yield ranking(told)


def answer(told: Traced) -> list[Inline]:
    """What came out, in one sentence."""
    overview, score = told.overview, told.score
    best, counts = overview.best, overview.counts
    if best is None:
        ended = counted(told.study("ended", overview.ended), "trial")
        return ["No trial is complete" if overview.ended else "No trial has ended", ": ", *ended,
                " ended of ", told.study("asked", overview.asked), " asked for."]  # fmt: skip
    complete = counted(told.study("counts.complete", counts["complete"]), "complete trial")
    what = f" {overview.file.metric.title}: trial "
    place: list[Inline] = [told.called(best.number), f", {score.unit} ", told.moment(best)]
    whole = "training.steps" if score.every else "training.epochs"
    if whole in best.settings:
        place += [" of ", told.setting(best, whole)]
    return ["The best of ", *complete, " has ", told.value(best, short=True), what, *place,
            *_equals(told, best), "."]  # fmt: skip


def _equals(told: Traced, best: "TrialRow") -> list[Inline]:
    others = sum(row.value == best.value for row in told.overview.ranking[1:])
    if not others:
        return []
    number = told.study("other complete trials with the best value, counted", others)
    words = f" that took no fewer {told.score.unit}s"
    return [", as good as ", *counted(number, "other"), words]


def standing(told: Traced) -> Iterator[Block]:
    """Where the best trial stands against what theory says, and why theory says so."""
    if told.overview.ceiling is not None:
        yield Paragraph(_ceiling(told))
    if told.overview.floor is not None:
        yield from _floor(told)


def _ceiling(told: Traced) -> list[Inline]:
    overview = told.overview
    ceiling, best, digits = overview.ceiling, overview.best, told.score.digits
    assert ceiling is not None
    shown = figures.accuracy(ceiling.value, digits, short=True)
    level = told.study("ceiling.value", ceiling.value, shown, "theory")
    if best is None or best.value is None:
        return ["The ceiling is ", level, f": {ceiling.why}."]
    gap = abs(best.value - ceiling.value)
    source = f"worked out, trial {best.number} of {told.name}: value, less the ceiling"
    off = Number(figures.accuracy(gap, digits, short=True), gap, source)
    match overview.standing:
        case "below":
            return ["That is ", off, " below the ceiling of ", level, f": {ceiling.why}."]
        case "above":
            begun: list[Inline] = ["That is ", off, " above the ceiling of ", level]
            return [*begun, f": theory and measurement disagree. Theory: {ceiling.why}."]
    return ["That is the ceiling, ", level, *_margin(told), f": {ceiling.why}."]


def _margin(told: Traced) -> list[Inline]:
    ceiling = told.overview.ceiling
    if ceiling is None or not ceiling.margin:
        return []
    shown = figures.accuracy(ceiling.margin, told.score.digits)
    return [" give or take ", told.study("ceiling.margin", ceiling.margin, shown, "theory")]


def _floor(told: Traced) -> Iterator[Block]:
    floor, unit = told.overview.floor, told.overview.data.get("unit", "token")
    assert floor is not None
    level: list[Inline] = [
        told.study("floor.value", floor.value, f"{floor.value:.4f}", "theory"),
        " ± ",
        told.study("floor.error", floor.error, f"{floor.error:.4f}", "theory"),
        f" bits per {unit}: {floor.why}.",
    ]
    if (excess := told.overview.excess) is not None:
        told_excess = told.study("excess", excess, f"{excess:.4f}")
        over: list[Inline] = ["On the same windows it is ", told_excess, " bits above the ideal"]
        reached = told.overview.standing == "at"
        end = ": nothing is left to learn that these windows could show." if reached else "."
        yield Paragraph([*over, f" predictor{end}"])
    yield Paragraph(["The floor is ", *level])


def settings_of(told: Traced, row: "TrialRow") -> Table:
    """The searched settings of one trial."""
    names = list(told.overview.file.searched())
    rows: list[list[list[Inline]]] = [
        [[name], [told.setting(row, name)]] for name in names if name in row.params
    ]
    return Table(["setting", "value"], rows, "The best settings", (False, True))


def _scores(told: Traced, row: "TrialRow") -> list[list[list[Inline]]]:
    found: list[list[list[Inline]]] = []
    for name, words in SCORES.items():
        if name in row.scores:
            cell: list[Inline] = [_score(told, row, name)]
            if f"{name}_error" in row.scores:
                cell += [" ± ", _score(told, row, f"{name}_error")]
            found.append([[words], cell])
    return found


def _score(told: Traced, row: "TrialRow", name: str) -> Number:
    value = row.scores[name]
    whole = name == "sentences"
    shown = figures.grouped(round(value)) if whole else f"{value:.4f}"
    return told.trial(row, f"scores.{name}", value, shown)


def ranking(told: Traced, top: int = TOP) -> Table:
    """The best trials with their searched settings."""
    names, score = list(told.overview.file.searched()), told.score
    rows: list[list[list[Inline]]] = [
        [
            [told.called(row.number)],
            [told.value(row)],
            [told.moment(row)],
            *_settings(told, row, names),
        ]
        for row in told.overview.ranking[:top]
    ]
    numeric = [True] * 3 + [_numeric(told, name) for name in names]
    heads = ["trial", score.metric.name, score.unit, *names]
    return Table(heads, rows, "The best complete trials, the best first", numeric)


def _settings(told: Traced, row: "TrialRow", names: Sequence[str]) -> Iterator[list[Inline]]:
    for name in names:
        yield [told.setting(row, name, DIGITS)] if name in row.params else ["–"]


def _numeric(told: Traced, name: str) -> bool:
    """Whether a setting's values are numbers."""
    best = told.overview.ranking[0].settings.get(name)
    return isinstance(best, int | float) and not isinstance(best, bool)
