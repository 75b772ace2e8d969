"""What a comparison of studies says, as a report: who found more for the same, with curves.

Knows no renderer; how a value is written is handed in.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from a3b_tune import __version__
from a3b_tune.results.comparing import Comparison, Equal, Level, Line
from a3b_tune.results.overview import StudyOverview
from a3b_tune.results.report.blocks import (
    Block,
    Inline,
    Number,
    Paragraph,
    Plot,
    Plots,
    Report,
    Section,
    Series,
    Table,
)
from a3b_tune.study import show_setting

Show = Callable[[float | None], str]
# A study that is the best in fewer of the draws cannot be said to be it.
SURE = 0.95

HOW = (
    "Expected: what the best of so many trials is on average, worked out exactly from the trials "
    "that were measured, with the bootstrap's intervals over trials. A trial that was "
    "stopped counts with what it had reached. As it ran: the best complete trial that had "
    "ended within the budget."
)


def comparison_report(found: Comparison, show: Show) -> Report:
    """The report of a comparison.

    :param show: how a value of the studies' metric is written.
    """
    names = [study.name for study in found.studies]
    about = [
        ("compared", ", ".join(names)),
        ("data", str(found.studies[0].data.get("name", ""))),
        ("written", datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")),
        ("by", f"a3b-tune {__version__}"),
    ]
    sections = [
        Section("Who found more", "found", list(_found(found, show))),
        Section("Curves", "curves", [Plots(list(_plots(found)), "Expected best")]),
        Section("Best settings", "settings", list(_settings(found, show))),
    ]
    return Report(" against ".join(names), about, sections)


def sentence(equal: Equal, show: Show) -> list[Inline]:
    """`For 40 trials each full is ahead: 0.7522 on average, simple 0.7410 (P(best) 97%)`."""
    first, *others = equal.ranking
    sure = first.first >= SURE
    lead = f"{first.study} is ahead: " if sure else f"none is surely ahead: {first.study} "
    parts: list[Inline] = ["For ", _budget(equal), f" each {lead}"]
    parts += [_best(first, show), " on average"]
    for level in others:
        parts += [f", {level.study} ", _best(level, show)]
    return [*parts, " (P(best) ", _share(first), ")"]


def _found(found: Comparison, show: Show) -> Iterator[Block]:
    for warning in found.warnings:
        yield Paragraph([Number(warning, float(len(found.studies)), "the studies")], "warning")
    for equal in found.equals:
        yield Paragraph([*sentence(equal, show), "."], "answer")
        yield _table(equal, show, found.metric.name)
    yield Paragraph([HOW], "note")


def _table(equal: Equal, show: Show, metric: str) -> Table:
    columns = ["study", f"expected {metric}", "95 % interval", "P(best)", "as it ran", "by trial"]
    return Table(
        columns,
        [_row(level, show) for level in equal.levels],
        f"At equal {equal.unit}",
        (False, True, True, True, True, True),
    )


def _row(level: Level, show: Show) -> list[list[Inline]]:
    source = _source(level.study)
    interval: list[Inline] = [
        Number(show(level.low), level.low, source),
        " to ",
        Number(show(level.high), level.high, source),
    ]
    ran: list[Inline] = ["none yet"]
    trial: list[Inline] = [""]
    if level.ran is not None and level.trial is not None:
        told = f"trial {level.trial} of {level.study}"
        ran = [Number(show(level.ran), level.ran, told)]
        trial = [Number(str(level.trial), float(level.trial), told)]
    return [[level.study], [_best(level, show)], interval, [_share(level)], ran, trial]


def _best(level: Level, show: Show) -> Number:
    return Number(show(level.best), level.best, _source(level.study))


def _share(level: Level) -> Number:
    return Number(share(level.first), level.first, _source(level.study))


def share(probability: float) -> str:
    """A probability in per cent; never 0 or 100, of which so few draws know nothing."""
    if probability < 0.01:
        return "<1%"
    return ">99%" if probability > 0.99 else f"{probability:.0%}"


def _budget(equal: Equal) -> Number:
    return Number(budget(equal), equal.budget, "the studies compared, the least of them")


def budget(equal: Equal) -> str:
    """`40 trials`, `12.5 s of work`."""
    if equal.measure == "seconds":
        told = f"{equal.budget:.3g}" if equal.budget < 1000 else f"{equal.budget:.0f}"
        return f"{told} s of work"
    return f"{equal.budget:.0f} {equal.unit}"


def _source(study: str) -> str:
    return f"all trials of {study}"


def _plots(found: Comparison) -> Iterator[Plot]:
    for equal in found.equals:
        lines = [line for line in found.lines if line.measure == equal.measure]
        yield Plot(
            f"At equal {equal.unit}",
            [_series(place, line) for place, line in enumerate(lines)],
            "work (s)" if equal.measure == "seconds" else equal.unit,
            f"expected best {found.metric.title}",
            ", ".join(_source(line.study) for line in lines),
            f"{equal.winner.study} is the likeliest to be ahead where the shortest study ends.",
            lines=list(_levels(found)),
            log_x=True,
        )


def _series(place: int, line: Line) -> Series:
    return Series(line.study, line.budgets, line.best, "interval", line.low, line.high, group=place)


def _levels(found: Comparison) -> Iterator[tuple[str, float]]:
    limits = {
        (kind, limit.value)
        for study in found.studies
        for kind, limit in (("ceiling", study.ceiling), ("floor", study.floor))
        if limit is not None
    }
    yield from sorted(limits)


def _settings(found: Comparison, show: Show) -> Iterator[Block]:
    names = [study.name for study in found.studies]
    rows: list[list[list[Inline]]] = [
        [["trial"], *([_trial(study)] for study in found.studies)],
        [[found.metric.name], *([_value(study, show)] for study in found.studies)],
        [["limit in theory"], *([_limit(study, show)] for study in found.studies)],
    ]
    if any(study.confirmation for study in found.studies):
        cells = [_confirmed(study, show) for study in found.studies]
        rows.append([["confirmed on fresh seeds"], *cells])
    rows += [
        [[setting], *([_setting(study, setting)] for study in found.studies)]
        for setting in different_settings(found.studies)
    ]
    numeric = [False, *[True] * len(names)]
    yield Table(["", *names], rows, "The best complete trial of each, where they differ", numeric)


def different_settings(studies: Sequence[StudyOverview]) -> list[str]:
    """The settings of the best trials that are searched somewhere or differ."""
    bests = [study.best.settings if study.best else {} for study in studies]
    searched = {name for study in studies for name in study.file.searched()}
    every = dict.fromkeys(name for best in bests for name in best)
    return [n for n in every if n in searched or len({repr(best.get(n)) for best in bests}) > 1]


def _trial(study: StudyOverview) -> Inline:
    if study.best is None:
        return "none is complete"
    return Number(str(study.best.number), float(study.best.number), _of_best(study))


def _value(study: StudyOverview, show: Show) -> Inline:
    if study.best is None or study.best.value is None:
        return ""
    return Number(show(study.best.value), study.best.value, _of_best(study))


def _limit(study: StudyOverview, show: Show) -> Inline:
    limit = study.ceiling or study.floor
    return "not known" if limit is None else Number(show(limit.value), limit.value, "theory")


def _confirmed(study: StudyOverview, show: Show) -> list[Inline]:
    if study.confirmation is None:
        return ["no"]
    row = study.confirmation["rows"][0]
    told = f"confirmation of trial {row['trial']} of {study.name}"
    digits = len(show(0.5).partition(".")[2])
    half = row["half"]
    parts: list[Inline] = [Number(show(row["mean"]), row["mean"], told), " ± "]
    return [*parts, "?" if half is None else Number(f"{half:.{digits}f}", half, told)]


def _setting(study: StudyOverview, name: str) -> Inline:
    value = None if study.best is None else study.best.settings.get(name)
    if value is None:
        return "-"
    shown = f"{value:.4g}" if isinstance(value, float) else show_setting(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Number(shown, float(value), _of_best(study)) if number else shown


def _of_best(study: StudyOverview) -> str:
    return f"trial {study.best.number} of {study.name}" if study.best else f"study {study.name}"
