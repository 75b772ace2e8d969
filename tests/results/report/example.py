"""A report with everything that a report may have, of made-up numbers."""

import random

from a3b_tune.results.report.blocks import (
    Code,
    Facts,
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
from a3b_tune.results.report.style import BLUE, GRAY, ORANGE, VERMILLION

SOURCE = "trial 3 of synth"
SETTINGS = ["model.heads", "model.head_width", "optimizer.lr", "training.batch_size"]
STUDY = """[study]
name = "synth"
metric = "accuracy"

[optimizer]
lr = { low = 1e-4, high = 1e-1, log = true }  # a comment that is so long that it must be scrolled
"""


def number(shown: str) -> Number:
    return Number(shown, float(shown), SOURCE)


def history(trials: int) -> Plot:
    """Trials in three states and the best one so far."""
    draws = random.Random(0)
    values = [0.75 - 0.25 * draws.random() ** 2 / (1 + at / trials) for at in range(trials)]
    best = [max(values[: at + 1]) for at in range(min(trials, 500))]
    best += [max(best)] * (trials - len(best))
    states = [draws.choices([BLUE, ORANGE, VERMILLION], [6, 3, 1])[0] for _ in values]
    named = {BLUE: "complete", ORANGE: "pruned", VERMILLION: "failed"}
    clouds = []
    for group, name in named.items():
        own = [at for at, state in enumerate(states) if state == group]
        names = [f"trial {at}" for at in own]
        ys = [values[at] for at in own]
        clouds.append(Series(name, own, ys, kind="points", names=names, group=group))
    line = Series("best so far", range(trials), best, kind="step", group=BLUE)
    return Plot(
        title="Value by trial",
        series=[line, *clouds],
        x_label="trial",
        y_label="validation accuracy",
        source=f"trials 0 to {trials - 1} of synth",
        alt="The best accuracy rises quickly, then slowly.",
        lines=[("ceiling", 0.7522), ("guessing", 0.5)],
    )


def curves() -> Plot:
    draws = random.Random(1)
    behind = [
        Series("others", range(1, 31), [0.5 + draws.random() * 0.15 for _ in range(30)], group=GRAY)
        for _ in range(12)
    ]
    best = [
        Series(f"trial {at}", range(1, 31), [0.75 - 0.2 / (e + at) for e in range(1, 31)])
        for at in range(10)
    ]
    labels = {"x_label": "epoch", "y_label": "validation accuracy"}
    return Plot(
        "Learning curves", [*behind, *best], source=SOURCE, alt="Ten curves rise.", **labels
    )


def slices() -> list[Plot]:
    draws = random.Random(2)
    rates = [10 ** draws.uniform(-4, -1) for _ in range(60)]
    values = [0.75 - 0.05 * draws.random() for _ in rates]
    labels = {"y_label": "validation accuracy", "source": SOURCE}
    return [
        Plot("lr", [Series("complete", rates, values, "points")], "optimizer.lr", alt="Flat.",
             log_x=True, **labels),
        Plot("pool", [Series("complete", ["select", "max"] * 30, values, "points")], "model.pool",
             alt="The same.", **labels),
    ]  # fmt: skip


def intervals() -> list[Plot]:
    names = [*SETTINGS, "model.dropout"]
    ys = [0.5, 0.3, 0.1, 0.07, 0.03]
    low, high = [y * 0.6 for y in ys], [y * 1.4 for y in ys]
    expected = [0.75 - 0.1 / n for n in range(1, 41)]
    return [
        Plot("Importance", [Series("mean", names, ys, "interval", low, high)], "setting", "share",
             SOURCE, "The number of heads matters most."),
        Plot("Best of n", [Series("expected", range(1, 41), expected, "interval",
             [y - 0.02 for y in expected], [y + 0.01 for y in expected]),
             Series("other", range(1, 41), [y - 0.03 for y in expected])],
             "trials", "expected best accuracy", SOURCE, "It rises."),
        Plot("Seconds", [Series("training", ["a", "b"], [12.5, 3.0], "bar"),
             Series("sampling", ["a", "b"], [1.5, 2.0], "bar")], "study", "time (s)", SOURCE,
             "Training takes longest.", log_y=True),
    ]  # fmt: skip


def table(rows: int = 10, more: int = 4) -> Table:
    names = ["trial", "accuracy", *SETTINGS, *(f"extra.setting_{at}" for at in range(more))]
    cells = [[[number(f"{at}")], [number("0.7522")], ["4"], ["32"], ["0.00123"], ["64"],
              *([["value"]] * more)] for at in range(rows)]  # fmt: skip
    numeric = [True] * 6 + [False] * more
    return Table(names, cells, "The best ten trials", numeric)


def report(trials: int = 60, *, brief: bool = False) -> Report:
    """The report; a `brief` one has two plots only."""
    found: list[Inline] = ["The best accuracy is ", number("0.7522"), ", that of the ceiling."]
    answer = Section(
        "What was found",
        "synth-found",
        [
            Paragraph(found, "answer"),
            Paragraph(["No test was scored."], "warning"),
            Paragraph(["Trials were drawn by TPE."], "note"),
            table(),
        ],
    )
    facts = Facts([("sampler", ["TPE"]), ("seconds", [Number("12 s", 12.25, "study synth")])])
    drawn = Section("History", "synth-history", [Plots([history(trials)], "All trials")])
    learnt = Section("Learning curves", "synth-curves", [Plots([curves()])])
    sliced = Section("Settings", "synth-slices", [Plots(slices(), "Each setting alone")])
    matters = Section("What matters", "synth-matters", [Plots(intervals())])
    again = Section("Again", "synth-again", [Code(STUDY, "synth.toml, line 1", "toml")])
    study = Section(
        "Study synth",
        "synth",
        [Paragraph(["Which pool?"]), facts],
        [answer, drawn, learnt, *([] if brief else [sliced, matters]), again],
    )
    about = [("written", "2026-11-22 10:00"), ("by", "a3b-tune 0.1.0")]
    return Report("Report on synth", about, [study])
