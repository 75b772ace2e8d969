"""Answers by tuned studies of rows: pools, simple and full self-attention, positions, blocks.

Knows the studies by their names, and no page.
"""

from collections.abc import Sequence

from a3b_tune.results.course.evidence import Evidence, Group, better, ceiling_of, groups
from a3b_tune.results.course.section import Answer
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
from a3b_tune.results.report.traced import joined
from a3b_tune.study import Scalar

Labelled = tuple[str, Group]
"""A group and what it is called."""
POOL, HEADS, POSITIONS = "model.pool", "model.heads", "model.positions"
WORDS: dict[Scalar, str] = {1: "one head", 2: "two heads", 4: "four heads"}
HEAD = ["study", "model", "trials", "best accuracy", "theory allows", "by trial", "rate"]
NUMERIC = (False, False, True, True, True, True, True)
BEST = (
    "The best accuracy that any trial reached, those that were stopped early too: what a setting "
    "was not tried for may be better than it looks."
)


def pools(evidence: Evidence) -> Answer:
    """Question 3."""
    parts: list[list[Inline]] = []
    found: list[Labelled] = []
    for name, data in (("xor", "xor"), ("synth", "synth"), ("imdb", "IMDb")):
        told = evidence.told(f"baseline_{name}")
        if told is None:
            parts.append([_lacking(evidence, f"baseline_{name}", f"on {data}")])
            continue
        own = [(f"{group.value} pool", group) for group in groups(told, POOL)]
        found += own
        parts.append([f"on {data} ", *_winner(own)])
    return _answer(found, _sentence(parts))


def simple_against_baseline(evidence: Evidence) -> Answer:
    """Question 5."""
    parts: list[list[Inline]] = []
    found: list[Labelled] = []
    for data in ("xor", "synth"):
        simple = _all(evidence, f"simple_attention_{data}", "simple self-attention")
        bases = _by(evidence, f"baseline_{data}", POOL, "baseline, {} pool")
        found += [*simple, *bases]
        select = [each for each in bases if each[1].value == "select"]
        if not simple or not select:
            parts.append([_lacking(evidence, f"simple_attention_{data}", f"on {data}")])
            continue
        parts.append([
            f"on {data} simple self-attention reaches ", *_value(simple[0][1]), " and the baseline "
            "with the same pool ", *_value(select[0][1]), *_limit(simple[0][1]),
        ])  # fmt: skip
    return _answer(found, _sentence(parts))


def full_against_simple(evidence: Evidence) -> Answer:
    """Question 7."""
    parts: list[list[Inline]] = []
    found: list[Labelled] = []
    for data in ("xor", "synth"):
        simple = _all(evidence, f"simple_attention_{data}", "simple self-attention")
        full = _by(evidence, f"full_attention_{data}", HEADS, "full self-attention, {}")
        found += [*simple, *full]
        one = [each for each in full if each[1].value == 1]
        more = _first([each for each in full if each[1].value != 1])
        if not simple or not one or more is None:
            parts.append([_lacking(evidence, f"full_attention_{data}", f"on {data}")])
            continue
        parts.append([
            f"on {data} full self-attention reaches ", *_value(more), " with ", _heads(more),
            " heads and ", *_value(one[0][1]), " with one, simple self-attention ",
            *_value(simple[0][1]),
        ])  # fmt: skip
    return _answer(found, _sentence(parts))


def positions(evidence: Evidence) -> Answer:
    """Question 8."""
    found = _by(evidence, "positions_xor", POSITIONS, "positions: {}")
    by_name = {group.value: group for _, group in found if group.best is not None}
    if not {"none", "learned"} <= set(by_name):
        return _unanswered(evidence, "positions_xor", found)
    on, off = by_name["learned"], by_name["none"]
    solved = "Yes" if on.standing == "at" else "Not quite, in these trials"
    sentence: list[Inline] = [
        f"{solved}: with a learned vector for each position simple self-attention reaches ",
        *_value(on), " on xor, and without ", *_value(off), ".",
    ]  # fmt: skip
    return _answer(found, sentence)


def blocks(evidence: Evidence) -> Answer:
    """Question 9."""
    found = [
        *_all(evidence, "transformer_imdb", "transformer"),
        *_by(evidence, "baseline_imdb", POOL, "baseline, {} pool"),
    ]
    transformer = _first([each for each in found if each[0] == "transformer"])
    baseline = _first([each for each in found if each[0] != "transformer"])
    if transformer is None or baseline is None:
        lacking = "transformer_imdb" if transformer is None else "baseline_imdb"
        return _unanswered(evidence, lacking, found)
    gap = _number(transformer) - _number(baseline)
    passes = "pass" if gap > 0 else "do not come up to"
    sources = f"{_source(baseline)} and {_source(transformer)}"
    sentence: list[Inline] = [
        f"In these trials transformer blocks {passes} the baseline on IMDb: they reach ",
        *_value(transformer), ", the best baseline ", *_value(baseline), ", which is ",
        Number(f"{abs(gap):.4f}", abs(gap), f"worked out: {sources}"),
        " less." if gap > 0 else " more.",
    ]  # fmt: skip
    return _answer(found, sentence)


def _unanswered(evidence: Evidence, name: str, found: Sequence[Labelled]) -> Answer:
    """Without the study of this name there is no answer, but there may be something to show."""
    sentence: list[Inline] = [f"Not answered: {_why(evidence, name)}."]
    return Answer(sentence, _answer(found, sentence).measured, answered=False)


def _answer(found: Sequence[Labelled], sentence: list[Inline]) -> Answer:
    if not any(group.best is not None for _, group in found):
        return Answer(sentence, (), answered=False)
    blocks: list[Block] = [_table(found), Paragraph([BEST], "note"), _plots(found)]
    above = [f"{label} of {group.told.name}" for label, group in found if group.standing == "above"]
    if above:
        text = f"Above what theory allows, which calls for a second look: {', '.join(above)}."
        blocks.append(Paragraph([text], "warning"))
    below = [f"{label} of {group.told.name}" for label, group in found if group.standing == "below"]
    if below:
        text = f"Below what theory allows, so not found by these trials: {', '.join(below)}."
        blocks.append(Paragraph([text], "note"))
    return Answer(sentence, blocks)


def _table(found: Sequence[Labelled]) -> Table:
    return Table(HEAD, [_row(*each) for each in found], "By study and setting", NUMERIC)


def _row(label: str, group: Group) -> list[list[Inline]]:
    told, best = group.told, group.best
    trials = Number(
        str(len(group.trials)), len(group.trials), f"study {told.name}: trials of {label}, counted"
    )
    if best is None:
        return [[told.name], [label], [trials], ["–"], ["–"], ["–"], ["–"]]
    return [
        [told.name], [label], [trials], [told.value(best)], _theory(group),
        [told.called(best.number)], [told.setting(best, "optimizer.lr")],
    ]  # fmt: skip


def _theory(group: Group) -> list[Inline]:
    if group.ceiling is None:
        return ["–"]
    shown = group.told.score.value(group.ceiling.value, short=True)
    return [Number(shown, group.ceiling.value, f"theory, on the rows of {group.told.name}")]


def _plots(found: Sequence[Labelled]) -> Plots:
    """A panel for each study: all its trials by the setting."""
    names = list(dict.fromkeys(group.told.name for _, group in found))
    return Plots([_panel([e for e in found if e[1].told.name == name]) for name in names])


def _panel(found: Sequence[Labelled]) -> Plot:
    told = found[0][1].told
    series = []
    for label, group in found:
        rows = [row for row in group.trials if row.value is not None]
        names = [f"trial {row.number}, {row.state}" for row in rows]
        values = [row.value or 0.0 for row in rows]
        series.append(Series(label, [label] * len(rows), values, "points", names=names))
    levels = {group.ceiling.value for _, group in found if group.ceiling is not None}
    return Plot(
        told.name,
        series,
        "model",
        told.overview.file.metric.title,
        f"all trials of {told.name}",
        f"Each trial's best value in {told.name}, by its model.",
        lines=[("theory allows", level) for level in sorted(levels)],
    )


def _all(evidence: Evidence, name: str, label: str) -> list[Labelled]:
    """All trials of a study as one group."""
    told = evidence.told(name)
    if told is None:
        return []
    rows = told.overview.trials
    best = better(told, rows)
    assert best is not None
    return [(label, Group(told, label, rows, best, ceiling_of(told, best)))]


def _by(evidence: Evidence, name: str, key: str, label: str) -> list[Labelled]:
    told = evidence.told(name)
    found = [] if told is None else groups(told, key)
    return [(label.format(WORDS.get(group.value, group.value)), group) for group in found]


def _first(found: Sequence[Labelled]) -> Group | None:
    """The group with the best value."""
    known = [group for _, group in found if group.best is not None]
    return max(known, key=_number, default=None)


def _number(group: Group) -> float:
    assert group.best is not None
    return group.best.value or 0.0


def _source(group: Group) -> str:
    assert group.best is not None
    return f"trial {group.best.number} of {group.told.name}: value"


def _value(group: Group) -> list[Inline]:
    return [group.told.value(group.best) if group.best is not None else "no value"]


def _heads(group: Group) -> Inline:
    assert group.best is not None
    return group.told.setting(group.best, HEADS)


def _limit(group: Group) -> list[Inline]:
    if group.ceiling is None:
        return []
    return [", where theory allows ", *_theory(group)]


def _winner(found: Sequence[Labelled]) -> list[Inline]:
    """`max is best with 1.0, then mean with 0.75 and select with 0.5`."""
    known = [group for _, group in found if group.best is not None]
    first, *rest = sorted(known, key=_number, reverse=True)
    others = joined([[f"{group.value} ", *_value(group)] for group in rest], " and ")
    behind = [", before ", *others] if others else []
    never = " and ".join(str(group.value) for _, group in found if group.best is None)
    return [
        f"{first.value} is best with ",
        *_value(first),
        *behind,
        *([f" (no trial tried {never})"] if never else []),
    ]


def _lacking(evidence: Evidence, name: str, what: str) -> str:
    return f"{what} there is no answer, because {_why(evidence, name)}"


def _why(evidence: Evidence, name: str) -> str:
    return evidence.absent.get(name, f"{name} has no trial with a value that answers it")


def _sentence(parts: Sequence[Sequence[Inline]]) -> list[Inline]:
    """Parts as one sentence, its first letter large."""
    found = [*joined(parts, "; "), "."]
    first = found[0]
    return [first[:1].upper() + first[1:], *found[1:]] if isinstance(first, str) else found
