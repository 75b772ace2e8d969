"""A study's budget of time on devices, over all its workers. Knows no trial."""

import time

from a3b_tune.storage.patience import answered
from a3b_tune.study.kinds import device_time
from a3b_tune.tuning.account import WRITE_INTERVAL, Account, spent
from a3b_tune.tuning.studies import StoredStudy


class Spending:
    """What all workers of a study have spent of its budget, as far as their accounts say: those of
    others are a few seconds old."""

    def __init__(self, stored: StoredStudy, account: Account) -> None:
        self._stored = stored
        self._account = account
        asked = stored.file.study.budget
        self._device, self._most = ("", 0.0) if asked is None else device_time(asked)
        self._looked = float("-inf")
        self._over = False

    def over(self) -> bool:
        """Whether the budget is spent; never where the study has none."""
        if not self._device or self._over:
            return self._over
        now = time.monotonic()
        if now - self._looked >= WRITE_INTERVAL:
            self._looked = now
            answered(self._stored.storage, self._look)
        return self._over

    def left(self) -> float | None:
        """The seconds on a device that are left of the budget; None where the study has none."""
        return None if not self._device else max(0.0, self._most - self._spent())

    def _look(self) -> None:
        self._over = self._spent() >= self._most

    def _spent(self) -> float:
        attrs = self._stored.storage.get_study_user_attrs(self._stored.id)
        return spent(attrs, self._device, self._account)
