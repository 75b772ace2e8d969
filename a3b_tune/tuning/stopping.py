"""When a worker stops: at its limits, at the study's budget, or when somebody says so.

Knows no trial.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from a3b_tune.tuning.liveness import Heart
from a3b_tune.tuning.spending import Spending

# Seconds that an epoch may go on once it is time to stop: so much is not lost. What takes longer is
# cut, and goes on from a copy made before it.
HURRY = 2.0


@dataclass(frozen=True)
class Limits:
    """When to stop: at so many trials of the study in all, at a moment of `time.monotonic`, or
    when `stop` answers with a reason."""

    trials: int
    deadline: float | None
    stop: Callable[[], str | None]

    def reached(self) -> str | None:
        """Why to stop now, or None."""
        if reason := self.stop():
            return reason
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "timeout"
        return None


class Stopping:
    """Asked at every step, so each answer is also a sign that the worker does not hang."""

    def __init__(self, limits: Limits, spending: Spending, heart: Heart) -> None:
        self._limits = limits
        self._spending = spending
        self._heart = heart
        self._hurry_from: float | None = None

    def reached(self) -> str | None:
        """Why to stop now, or None."""
        self._heart.stepped()
        if reason := self._limits.reached():
            return reason
        return "budget" if self._spending.over() else None

    def waits_no_more(self) -> bool:
        """Whether to stop waiting for the storage; waiting is no hanging."""
        self._heart.stepped()
        return self._limits.reached() is not None

    def hurried(self) -> bool:
        """Whether it is time to stop, and has been for so long that nothing is waited for."""
        if self.reached() is None:
            return False
        if self._hurry_from is None:
            self._hurry_from = time.monotonic() + HURRY
        return time.monotonic() >= self._hurry_from
