"""A trial's epochs as a picture: its metric, its loss, its gradient norm and its learning rate.

Drawn when somebody looks at it, of what the search has stored anyway. Knows no request.
"""

import threading
from collections import OrderedDict
from typing import Any

from optuna.trial import FrozenTrial

from a3b_tune.results.dashboard.measure import Measure
from a3b_tune.tuning import records
from a3b_tune.tuning.recorded import curves_png

KEPT = 64


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

    def of(self, trial: FrozenTrial, title: str, measure: Measure) -> bytes:
        """A trial's curves as PNG."""
        measured = epochs(trial)
        key = (trial._trial_id, len(measured), trial.state.name)
        with self._lock:
            if key in self._drawn:
                self._drawn.move_to_end(key)
                return self._drawn[key]
        png = curves_png(
            measured,
            measure.metric.name,
            title,
            every=measure.every,
            best_epoch=measure.best(trial)[0] if measured else None,
            line=measure.level,
        )
        with self._lock:
            self._drawn[key] = png
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
        return png
