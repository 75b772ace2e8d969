"""What a study was asked: its question, its data, who searches how, and what each setting may be.

Knows no trial and no page.
"""

from collections.abc import Iterator

from a3b_tune.results import figures
from a3b_tune.results.report.blocks import Block, Facts, Inline, Paragraph, Table
from a3b_tune.results.report.traced import Traced, counted, joined, span
from a3b_tune.study import Choices, Range
from a3b_tune.study.specs import Spec

Pair = tuple[str, list[Inline]]


def asked(told: Traced) -> Iterator[Block]:
    """The blocks of the section."""
    file = told.overview.file
    if file.study.question:
        yield Paragraph([file.study.question], "answer")
    yield Facts(list(_facts(told)))
    if file.searched():
        yield ranges(told)
    if file.constant():
        yield Paragraph(["The same in every trial:"], "note")
        yield Facts(list(_fixed(told)))


def _fixed(told: Traced) -> Iterator[Pair]:
    """By section: `model`, `name full_attention, positions none`."""
    sections: dict[str, list[list[Inline]]] = {}
    for name, value in told.overview.file.constant().items():
        section, _, key = name.rpartition(".")
        sections.setdefault(section, []).append([f"{key} ", told.asked(f"fixed.{name}", value)])
    for section, settings in sections.items():
        yield section, joined(settings)


def ranges(told: Traced) -> Table:
    """What each searched setting may be."""
    searched = told.overview.file.searched()
    rows: list[list[list[Inline]]] = [
        [[name], drawn_from(told, name, setting), [_how(setting)]]
        for name, setting in searched.items()
    ]
    return Table(["setting", "drawn from", "how"], rows, "What was searched")


def drawn_from(told: Traced, name: str, setting: Range | Choices) -> list[Inline]:
    """`0.0001 to 0.1`, `select, max`."""
    path = f"file.{name}"
    if isinstance(setting, Choices):
        choices = enumerate(setting.choices)
        return joined([told.asked(f"{path}.choices.{at}", value)] for at, value in choices)
    ends: list[Inline] = [
        told.asked(f"{path}.low", setting.low),
        " to ",
        told.asked(f"{path}.high", setting.high),
    ]
    if setting.step is not None:
        ends += [" in steps of ", told.asked(f"{path}.step", setting.step)]
    return ends


def _how(setting: Range | Choices) -> str:
    if isinstance(setting, Choices):
        return "one of these"
    return "evenly over orders of magnitude" if setting.log else "evenly"


def _facts(told: Traced) -> Iterator[Pair]:
    overview, study = told.overview, told.overview.file.study
    yield "data", data(told)
    way = "as large as can be" if overview.file.metric.sign > 0 else "as small as can be"
    yield "made best", [f"{overview.file.metric.title}, {way}"]
    trials = told.study("asked", overview.asked, kind="asked")
    yield "budget", [*counted(trials, "trial"), *_limits(told)]
    yield "sampler", _spec(told, "sampler", study.sampler)
    yield "pruner", _spec(told, "pruner", study.pruner)
    yield "seed", [told.asked("file.study.seed", study.seed)]


def _limits(told: Traced) -> list[Inline]:
    study = told.overview.file.study
    parts: list[Inline] = []
    if study.timeout is not None:
        number = told.study("file.study.timeout", study.timeout, span(study.timeout))
        parts += [", each run at most ", number]
    if study.budget is not None:
        parts += [", all runs together at most ", *told.quoted("file.study.budget", study.budget)]
    return parts


def _spec(told: Traced, key: str, spec: Spec) -> list[Inline]:
    options = [
        [f"{name} ", told.asked(f"file.study.{key}.{name}", value)]
        for name, value in spec.options.items()
    ]
    return [spec.name, *([" (", *joined(options), ")"] if options else [])]


def data(told: Traced) -> list[Inline]:
    """`xor: 25 000 training rows, …` or, of a text, its tokens."""
    about = told.overview.data
    text = told.overview.file.is_text
    unit = f"{about.get('unit', 'token')}s" if text else "rows"
    parts: list[list[Inline]] = [
        [told.study(f"data.{part}", about[part]), f" {name} {unit}"]
        for part, name in (("train", "training"), ("validation", "validation"), ("test", "test"))
        if part in about
    ]
    words = "alphabet of " if text else "vocabulary of "
    parts.append([words, told.study("data.vocabulary", about["vocabulary"])])
    if classes := about.get("classes"):
        parts.append([f"classes {' and '.join(map(figures.setting, classes))}"])
    return [f"{about['name']}: ", *joined(parts)]
