"""A study's budget of time on devices, over all its workers. Knows no trial."""

import time

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
            attrs = self._stored.storage.get_study_user_attrs(self._stored.id)
            self._over = spent(attrs, self._device, self._account) >= self._most
        return self._over
