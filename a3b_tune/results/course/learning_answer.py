"""The answer by tuned studies of a text to how training goes: loss, gradient norm, warm-up.

Knows the studies by their names, and no page.
"""

from collections.abc import Iterator, Sequence

from a3b_tune.results.course.evidence import Evidence, better
from a3b_tune.results.course.section import Answer
from a3b_tune.results.course.text_answers import RATE, lacking, leader, of_epoch
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
from a3b_tune.results.report.traced import Traced, joined
from a3b_tune.results.trials import TrialRow
from a3b_tune.tuning.measured import LOOKS

WARMUP = "training.warmup"
CURVES = (("training loss", 1), ("gradient norm", 2), ("learning rate", 3))
"""What a look holds beside its step, and where."""


def learning(evidence: Evidence) -> Answer:
    """Question 14."""
    told, warm = evidence.told("toy"), evidence.told("warmup")
    if told is None:
        return lacking(evidence, "toy")
    best = leader(told)
    blocks: list[Block] = [Plots([*_looks(told, best)], f"Trial {best.number} of {told.name}")]
    sentence = _fall(told, best)
    if warm is None:
        why = evidence.absent.get("warmup", "warmup has no trial with a value")
        sentence += [f"; what a warm-up changes is not answered, because {why}."]
        return Answer(sentence, blocks)
    cells = _cells(warm)
    blocks += [_warm_table(warm, cells), Plots([_warm_plot(warm, cells)])]
    blocks.append(Paragraph([WIKIPEDIA], "note"))
    return Answer([*sentence, "; ", *_warm_sentence(warm, cells), "."], blocks)


WIKIPEDIA = (
    "The course asks for this on Wikipedia too, where a trial takes hours on a graphics card: "
    "a3b-tune run wp does that, and a3b-tune report wp has its curves."
)


def _looks(told: Traced, row: TrialRow) -> Iterator[Plot]:
    looks = [look for epoch in row.epochs for look in epoch.get(LOOKS, ())]
    for name, place in CURVES:
        yield Plot(
            name.capitalize(),
            [Series(name, [look[0] for look in looks], [look[place] for look in looks])],
            "step",
            {"training loss": "nats per character"}.get(name, name),
            f"trial {row.number} of {told.name}",
            f"The {name} of the best trial by step.",
        )


def _fall(told: Traced, row: TrialRow) -> list[Inline]:
    """From the first evaluation to the last."""
    last = len(row.epochs) - 1
    loss = [of_epoch(told, row, at, "loss") for at in (0, last)]
    norm = [of_epoch(told, row, at, "gradient_norm") for at in (0, last)]
    way = "falls" if norm[1].value < norm[0].value else "rises"
    return [
        "In the best trial the training loss goes from ", loss[0], " to ", loss[1],
        f" nats per character and the mean gradient norm {way} from ", norm[0], " to ", norm[1],
    ]  # fmt: skip


Cells = dict[tuple[float, float], TrialRow]
"""The best trial by rate and warm-up."""


def _cells(warm: Traced) -> Cells:
    found: dict[tuple[float, float], list[TrialRow]] = {}
    for row in warm.overview.trials:
        if row.value is not None:
            key = (float(row.settings[RATE]), float(row.settings[WARMUP]))
            found.setdefault(key, []).append(row)
    best = {key: better(warm, rows) for key, rows in sorted(found.items())}
    return {key: row for key, row in best.items() if row is not None}


def _warm_table(warm: Traced, cells: Cells) -> Table:
    rows: list[list[list[Inline]]] = [
        [[warm.setting(row, RATE)], [warm.setting(row, WARMUP)], [warm.value(row)],
         [_largest_norm(warm, row)], [warm.called(row.number)]]
        for row in cells.values()
    ]  # fmt: skip
    heads = ["rate", "warm-up", "bits", "largest mean gradient norm", "trial"]
    return Table(heads, rows, "With and without warm-up (share of the steps)", (True,) * 5)


def _largest_norm(warm: Traced, row: TrialRow) -> Number:
    norms = [epoch["gradient_norm"] for epoch in row.epochs]
    at = norms.index(max(norms))
    return warm.trial(row, f"epochs.{at}.gradient_norm", norms[at], f"{norms[at]:.3g}")


def _warm_plot(warm: Traced, cells: Cells) -> Plot:
    shares = sorted({warmup for _, warmup in cells})
    series = [
        Series(
            "without" if not warmup else "with",
            [rate for rate, other in cells if other == warmup],
            [row.value or 0.0 for (_, other), row in cells.items() if other == warmup],
        )
        for warmup in shares
    ]
    return Plot(
        "Bits by rate, with and without warm-up",
        series,
        "learning rate",
        "bits per character",
        f"all trials of {warm.name}",
        "Where the lines part, the warm-up matters.",
        log_x=True,
    )


def _warm_sentence(warm: Traced, cells: Cells) -> list[Inline]:
    """The lowest and the highest rate with and without."""
    rates = sorted({rate for rate, _ in cells})
    parts = [
        found for rate in dict.fromkeys((rates[0], rates[-1])) if (found := _at(warm, cells, rate))
    ]
    return joined(parts, ", ") if parts else ["no rate was tried with and without a warm-up"]


def _at(warm: Traced, cells: Cells, rate: float) -> list[Inline]:
    own: Sequence[tuple[float, TrialRow]] = [
        (warmup, row) for (other, warmup), row in cells.items() if other == rate
    ]
    off = [row for warmup, row in own if warmup == 0.0]
    on = better(warm, [row for warmup, row in own if warmup > 0.0])
    if not off or on is None:
        return []
    return ["at a rate of ", warm.setting(on, RATE), " it ends at ", warm.value(on),
            " bits with a warm-up and at ", warm.value(off[0]), " without"]  # fmt: skip
