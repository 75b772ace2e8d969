"""What a study cost: time by part, in all and per trial, and hours of devices.

Knows no page.
"""

from collections.abc import Iterator

from a3b_tune.results.overview import PARTS
from a3b_tune.results.report.blocks import (
    Block,
    Facts,
    Inline,
    Paragraph,
    Plot,
    Plots,
    Series,
    Table,
)
from a3b_tune.results.report.style import BLUE
from a3b_tune.results.report.traced import Traced, counted, span, unit_of

Pair = tuple[str, list[Inline]]
KINDS = {"gpu": "GPU hours", "cpu": "CPU core hours"}


def cost(told: Traced) -> Iterator[Block]:
    """The blocks of the section."""
    seconds = told.overview.seconds
    if not sum(seconds.values()):
        yield Paragraph(["No time was measured yet."], "note")
        return
    if facts := list(_facts(told)):
        yield Facts(facts)
    yield _table(told)
    yield Plots([_plot(told)])


def _facts(told: Traced) -> Iterator[Pair]:
    work = told.overview.work
    if work is None:
        return
    workers = counted(told.study("work.workers", work.workers), "process", "processes")
    yield "somebody worked for", [told.seconds("work.wall", work.wall), ", ", *workers]
    for kind, spent in work.device_seconds.items():
        path = f"work.device_seconds.{kind}, in hours"
        hours = told.study(path, spent / 3600, f"{spent / 3600:.3g}")
        yield KINDS.get(kind, kind), [hours]
    if work.trials_per_second is not None:
        shown = f"{work.trials_per_second:.3g}"
        number = told.study("work.trials_per_second", work.trials_per_second, shown)
        yield "speed", [number, " trials per second"]
    if work.slots_busy is not None:
        shown = f"{100 * work.slots_busy:.0f} %"
        yield "stacks' slots busy", [told.study("work.slots_busy", work.slots_busy, shown)]
    rest = work.seconds.get("rest")
    if rest is not None:
        number = told.seconds("work.seconds.rest", rest)
        yield "beside trials", [number, " of the workers' time: data, stack sizes, waiting"]


def _table(told: Traced) -> Table:
    seconds = told.overview.seconds
    total, ended = sum(seconds.values()), told.overview.ended
    rows: list[list[list[Inline]]] = [
        [[part], *_cells(told, f"seconds.{part}", spent, total, ended)]
        for part, spent in seconds.items()
    ]
    rows.append([["all"], *_cells(told, "seconds, summed", total, total, ended)])
    heads = ["part", "time", "share", "per ended trial"]
    return Table(heads, rows, "Time by part, summed over trials", [False, True, True, True])


def _cells(
    told: Traced, path: str, spent: float, total: float, ended: int
) -> Iterator[list[Inline]]:
    yield [told.seconds(path, spent)]
    share = spent / total
    yield [told.study(f"{path}, of all seconds", share, f"{100 * share:.1f} %", "worked out")]
    each = spent / ended if ended else 0.0
    number = told.study(f"{path}, per ended trial", each, span(each), "worked out")
    yield [number if ended else "–"]


def _plot(told: Traced) -> Plot:
    seconds = told.overview.seconds
    parts = [part for part in (*PARTS, *seconds) if seconds.get(part)]
    names = list(dict.fromkeys(parts))
    size, unit = unit_of(max(seconds.values()))
    bars = Series("time", names, [seconds[name] / size for name in names], "bar", group=BLUE)
    return Plot(
        "Time by part",
        [bars],
        "part",
        f"time ({unit})",
        f"study {told.name}: seconds",
        "A bar for each part of the work, summed over all trials.",
    )
