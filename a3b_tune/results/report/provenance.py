"""Where a study's numbers come from: data, seeds, versions, commits, devices, threads, workers.

Knows no page.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from a3b_tune.results.report.asked import data
from a3b_tune.results.report.blocks import Block, Facts, Inline
from a3b_tune.results.report.traced import Traced, counted, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from a3b_tune.results.trials import TrialRow

Pair = tuple[str, list[Inline]]


def provenance(told: Traced) -> Iterator[Block]:
    """The block of the section."""
    yield Facts(list(_facts(told)))


def _facts(told: Traced) -> Iterator[Pair]:
    overview, best = told.overview, told.overview.best
    yield "kept in", [overview.storage]
    if overview.started is not None and overview.last is not None:
        first, last = (("started", overview.started), ("last", overview.last))
        yield "trials ran", [_moment(told, *first), " to ", _moment(told, *last)]
    yield "data", data(told)
    yield "data hash", [str(overview.data.get("hash", "not known"))]
    yield "study's seed", [told.asked("file.study.seed", overview.file.study.seed)]
    if best is not None and best.seed is not None:
        seed = told.trial(best, "seed", best.seed, str(best.seed))
        words = "each its own, of the study's seed and its number; the best one's is "
        yield "trials' seeds", [words, seed]
    yield "versions", _versions(told)
    yield "commit", _kinds(told, "commit", lambda row: row.commit)
    yield "device", _kinds(told, "device", lambda row: row.device)
    yield "threads", _counts(told, "threads", lambda row: row.threads)
    yield "slots of the stack", _counts(told, "stack", lambda row: row.stack)
    if overview.work is not None:
        number = told.study("work.workers", overview.work.workers)
        yield "workers", counted(number, "process", "processes")


def _moment(told: Traced, path: str, when: datetime) -> Inline:
    return told.study(path, when.timestamp(), f"{when:%Y-%m-%d %H:%M:%S %z}")


def _versions(told: Traced) -> list[Inline]:
    overview = told.overview
    parts = [f"{name} {version}" for name, version in overview.versions.items()]
    found: list[Inline] = [", ".join(parts) or "not known"]
    others = [row.number for row in overview.trials if row.versions not in ({}, overview.versions)]
    if others:
        found += ["; other versions ran trials ", *told.calls(others)]
    return found


def _kinds(told: Traced, path: str, of: "Callable[[TrialRow], str | None]") -> list[Inline]:
    """Each text that stands in a trial, with how many trials have it where there are several."""
    counts: dict[str, int] = {}
    for row in told.overview.trials:
        if (text := of(row)) is not None:
            counts[text] = counts.get(text, 0) + 1
    if len(counts) < 2:
        return [next(iter(counts), "not known")]
    return joined(
        [f"{text} (", *counted(told.study(f"trials by {path}, {text}", number), "trial"), ")"]
        for text, number in counts.items()
    )


def _counts(told: Traced, path: str, of: "Callable[[TrialRow], int | None]") -> list[Inline]:
    """Each number that stands in a trial, the smallest first."""
    first: dict[int, TrialRow] = {}
    for row in told.overview.trials:
        if (number := of(row)) is not None:
            first.setdefault(number, row)
    return joined([told.trial(first[n], path, n)] for n in sorted(first)) or ["not known"]
