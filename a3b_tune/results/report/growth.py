"""What a model of text wrote as its bits fell.

Knows no page.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from a3b_tune.results.report.blocks import Block, Code, Inline, Paragraph
from a3b_tune.results.report.traced import Traced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from a3b_tune.results.trials import TrialRow

# So many samples of the best trial, evenly over its life.
SAMPLES = 6


def growth(told: Traced) -> Iterator[Block]:
    """The blocks of the section; none where the study is on rows or nothing was sampled."""
    best = told.overview.best
    epochs = [] if best is None else [epoch for epoch in best.epochs if epoch.get("sample")]
    if best is None or not epochs:
        return
    length = told.overview.file.samples.seed_length
    begun = [told.asked("file.samples.seed_length", length), f" {told.overview.data['unit']}s"]
    yield Paragraph(["The best trial is ", told.called(best.number), ". Each text begins with ",
                     *begun, " of the validation text."])  # fmt: skip
    for epoch in chosen(epochs):
        yield Paragraph(_heading(told, best, epoch))
        yield Code(epoch["sample"], "", "text")


def chosen(epochs: "Sequence[Mapping[str, Any]]") -> "Iterator[Mapping[str, Any]]":
    """The first, the last, and some between."""
    last = len(epochs) - 1
    count = min(SAMPLES, len(epochs))
    for at in sorted({round(place * last / max(1, count - 1)) for place in range(count)}):
        yield epochs[at]


def _heading(told: Traced, row: "TrialRow", epoch: "Mapping[str, Any]") -> list[Inline]:
    at, metric = int(epoch["epoch"]), told.score.metric.name
    path = f"epochs.{row.epochs.index(epoch)}"  # type: ignore[arg-type]
    parts: list[Inline] = [
        f"{told.score.unit.capitalize()} ",
        told.trial(row, told.moment_path(f"{path}.epoch"), told.score.moment(at)),
        ": ",
        told.trial(row, f"{path}.{metric}", epoch[metric], told.score.value(epoch[metric])),
        f" {metric}",
    ]
    if "excess" in epoch:
        excess = told.trial(row, f"{path}.excess", epoch["excess"], f"{epoch['excess']:.4f}")
        parts += [", ", excess, " above the ideal predictor"]
    return parts
