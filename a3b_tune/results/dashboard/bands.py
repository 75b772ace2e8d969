"""The learning curves of a study with very many trials, as one plot that a browser can draw.

optuna-dashboard draws a line for each trial; a browser takes minutes for ten thousand. Here the
best trials have their lines, and all the others are told by what shares of them reached. Knows no
request.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.results.dashboard.measure import Measure

# From this many trials on: their lines would keep a browser busy for more than a second.
MANY = 300
BEST = 10
BLUE = "31, 119, 180"
# Shares of the trials below the lower and upper edge of each band, and how dark it is.
BANDS = ((5, 95, 0.15, "nine of ten trials"), (25, 75, 0.3, "half of the trials"))


def plot(trials: Sequence[FrozenTrial], measure: Measure) -> str:
    """The plot as optuna-dashboard takes one: Plotly's JSON."""
    seen = [trial for trial in trials if trial.intermediate_values]
    table = _table(seen)
    steps = [measure.moment(epoch) for epoch in range(1, table.shape[1] + 1)]
    lines = [band for edges in BANDS for band in _band(steps, table, *edges)]
    median = np.nanmedian(table, axis=0)
    lines.append(_line(steps, median, name="median", color=f"rgb({BLUE})", width=3))
    best = _best(seen, measure)
    for trial in best:
        values = trial.intermediate_values
        epochs = sorted(values)
        own = [measure.moment(epoch) for epoch in epochs]
        lines.append(_line(own, [values[epoch] for epoch in epochs], name=f"trial {trial.number}"))
    chosen = f"the best {len(best)} of {len(seen)}, and all"
    title = {"text": f"<b>Learning curves</b>: {chosen}", "font": {"size": 15}}
    layout = {
        "title": {**title, "x": 0.02, "xanchor": "left"},
        "xaxis": {"title": {"text": measure.unit}},
        "yaxis": {"title": {"text": measure.axis}},
        "margin": {"l": 60, "t": 50, "r": 20, "b": 50},
        "hovermode": "closest",
    }
    if measure.level is not None:
        name, level = measure.level
        line = {"color": "#777", "dash": "dash", "width": 1.5}
        edge = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": level, "y1": level}
        label = {"text": f"{name} {measure.value(level)}", "textposition": "end"}
        layout["shapes"] = [{**edge, "line": line, "label": label}]
    return json.dumps({"data": lines, "layout": layout})


def _table(trials: Sequence[FrozenTrial]) -> NDArray[np.float64]:
    """A row per trial, a column per epoch; NaN where it was not trained."""
    longest = max(max(trial.intermediate_values) for trial in trials)
    table = np.full((len(trials), longest), np.nan)
    for row, trial in enumerate(trials):
        values = trial.intermediate_values
        table[row, [step - 1 for step in values]] = list(values.values())
    return table


def _best(trials: Sequence[FrozenTrial], measure: Measure) -> list[FrozenTrial]:
    complete = [
        (-measure.metric.key(trial.value), trial.number, trial)
        for trial in trials
        if trial.state == TrialState.COMPLETE and trial.value is not None
    ]
    return [trial for *_, trial in sorted(complete, key=lambda place: place[:2])[:BEST]]


def _band(
    steps: Sequence[int],
    table: NDArray[np.float64],
    low: int,
    high: int,
    shade: float,
    name: str,
) -> list[dict[str, Any]]:
    edges = np.nanpercentile(table, [low, high], axis=0)
    bare: dict[str, Any] = {"color": "rgba(0,0,0,0)", "width": 0, "hoverinfo": "skip"}
    return [
        _line(steps, edges[0], name=name, showlegend=False, **bare),
        _line(
            steps,
            edges[1],
            name=name,
            fill="tonexty",
            fillcolor=f"rgba({BLUE}, {shade})",
            **bare,
        ),
    ]


def _line(
    steps: Sequence[int],
    values: Sequence[float] | NDArray[np.float64],
    name: str,
    color: str | None = None,
    width: float = 1,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    line = {"width": width} | ({"color": color} if color else {})
    shown = [round(float(value), 6) for value in values]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(steps),
        "y": shown,
        "line": line,
        **more,
    }
