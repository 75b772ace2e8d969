"""A trial's epochs as a picture: accuracy, loss, gradient norm and learning rate.

Drawn when somebody looks at it, of what the search has stored anyway. The only file that needs
matplotlib. Knows no request.
"""

import io
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from optuna.trial import FrozenTrial

from a3b_tune.results.dashboard.notes import best
from a3b_tune.tuning import records

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KEPT = 64
BLUE, RED, GRAY = "#1f77b4", "#c0392b", "#8a8f98"
# It warns of a folder for its fonts that it cannot write, which nobody need know.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
# matplotlib is not made for several threads.
_drawing = threading.Lock()
# The record's name of each curve, and its heading.
CURVES = (
    ("accuracy", "validation accuracy"),
    ("loss", "training loss"),
    ("gradient_norm", "gradient norm"),
    ("lr", "learning rate"),
)


def epochs(trial: FrozenTrial) -> list[dict[str, Any]]:
    """What was measured, an entry per epoch. A trial that was put back keeps the notes of its
    broken run until it runs again."""
    found = trial.user_attrs.get(records.EPOCHS) or []
    return [epoch for epoch in found if epoch["epoch"] in trial.intermediate_values]


class Pictures:
    """The pictures that were looked at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drawn: OrderedDict[tuple[int, int, str], bytes] = OrderedDict()

    def of(self, trial: FrozenTrial, title: str, ceiling: float | None) -> bytes:
        """A trial's curves as PNG."""
        measured = epochs(trial)
        key = (trial._trial_id, len(measured), trial.state.name)
        with self._lock:
            if key in self._drawn:
                self._drawn.move_to_end(key)
                return self._drawn[key]
        png = draw(measured, title, ceiling, best(trial)[0] if measured else None)
        with self._lock:
            self._drawn[key] = png
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
        return png


def draw(
    measured: Sequence[dict[str, Any]], title: str, ceiling: float | None, best_epoch: int | None
) -> bytes:
    """Four curves by epoch; the ceiling is a line, the best epoch a dot."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with _drawing:
        figure = Figure(figsize=(9, 6), dpi=110, layout="constrained")
        figure.suptitle(title, fontsize=13, fontweight="bold", parse_math=False)
        steps = [epoch["epoch"] for epoch in measured]
        for panel, (name, heading) in zip(figure.subplots(2, 2).flat, CURVES, strict=True):
            values = [epoch[name] for epoch in measured]
            panel.plot(steps, values, color=BLUE, marker="o", markersize=3, linewidth=1.6)
            panel.set_title(heading, fontsize=11, loc="left")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            panel.grid(visible=True, color="#e3e6ea", linewidth=0.8)
            panel.set_axisbelow(True)
            panel.spines[["top", "right"]].set_visible(False)
            panel.tick_params(labelsize=9, colors="#444a52")
            panel.ticklabel_format(axis="y", useOffset=False)
            if name == "lr":
                panel.set_ylim(bottom=0)
            if name == "accuracy":
                _mark(panel, ceiling, best_epoch, dict(zip(steps, values, strict=True)))
        for panel in figure.axes[2:]:
            panel.set_xlabel("epoch", fontsize=10)
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def _mark(
    panel: "Axes", ceiling: float | None, best_epoch: int | None, values: dict[int, float]
) -> None:
    if ceiling is not None:
        panel.axhline(ceiling, color=GRAY, linestyle="--", linewidth=1.2, label="ceiling")
    if best_epoch in values:
        label = f"best: epoch {best_epoch}"
        panel.plot([best_epoch], [values[best_epoch]], "o", color=RED, markersize=6, label=label)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(fontsize=9, frameon=False, loc="best")
