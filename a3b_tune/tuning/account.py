"""Where a worker's time goes, kept in its study. Knows no trial and no model."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from a3b_tune.tuning import records
from a3b_tune.tuning.studies import StoredStudy

PARTS = ("training", "evaluation", "sampling", "storage")
# Seconds between two writes of the account.
WRITE_INTERVAL = 5.0


class Account:
    """One worker's seconds by part, and how full its stacks were.

    `slot_seconds` is the time that stacks trained and evaluated, times their slots; `busy_seconds`
    counts only the slots that held a member. `device` is what it works on, `gpu` or `cpu`, and
    `devices` how many of them: its GPU, or the cores that its threads fill.
    """

    def __init__(self, device: str = "cpu", devices: int = 1) -> None:
        self.device, self.devices = device, devices
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.slot_seconds = 0.0
        self.busy_seconds = 0.0
        self.trials = 0
        self.began = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._opened_at = time.monotonic()
        self._written_at = self._opened_at

    def spend(self, part: str, seconds: float) -> None:
        self.seconds[part] += seconds

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Adds the time spent inside to one part."""
        opened = time.perf_counter()
        try:
            yield
        finally:
            self.spend(part, time.perf_counter() - opened)

    def epoch(self, seconds: float, evaluation: float, slots: int, members: int) -> None:
        """Adds one epoch of a stack."""
        self.spend("training", max(0.0, seconds - evaluation))
        self.spend("evaluation", min(seconds, evaluation))
        self.slot_seconds += slots * seconds
        self.busy_seconds += members * seconds

    def to_json(self) -> dict[str, Any]:
        worker = records.this_worker()
        return {
            "host": worker.host,
            "pid": worker.pid,
            "began": self.began,
            "device": self.device,
            "devices": self.devices,
            "seconds": {part: round(spent, 3) for part, spent in self.seconds.items()},
            "wall": round(time.monotonic() - self._opened_at, 3),
            "slot_seconds": round(self.slot_seconds, 3),
            "busy_seconds": round(self.busy_seconds, 3),
            "trials": self.trials,
        }

    def resume(self, stored: StoredStudy) -> None:
        """Goes on from what this process has stored of an earlier run of the same study."""
        earlier = stored.study.user_attrs.get(_key())
        if earlier is None:
            return
        for part, spent in earlier["seconds"].items():
            self.seconds[part] += spent
        self.slot_seconds += earlier["slot_seconds"]
        self.busy_seconds += earlier["busy_seconds"]
        self.trials += earlier["trials"]
        self.began = earlier["began"]
        self._opened_at -= earlier["wall"]

    @property
    def device_seconds(self) -> float:
        """The seconds so far, times the devices."""
        return self.devices * (time.monotonic() - self._opened_at)

    def write(self, stored: StoredStudy, older_than: float = 0.0) -> None:
        """Stores the account, if it was last stored so many seconds ago."""
        if time.monotonic() - self._written_at < older_than:
            return
        with self.timed("storage"):
            stored.storage.set_study_user_attr(stored.id, _key(), self.to_json())
        self._written_at = time.monotonic()


def spent(attrs: Mapping[str, Any], device: str, own: Account) -> float:
    """The seconds that all workers of a study have had on devices of a kind, by a study's
    attributes; those of this worker by its own account."""
    others = [attrs[key] for key in attrs if key.startswith(records.WORK_PREFIX) and key != _key()]
    seconds = sum(a["wall"] * a["devices"] for a in others if a.get("device") == device)
    return float(seconds) + (own.device_seconds if own.device == device else 0.0)


def _key() -> str:
    worker = records.this_worker()
    return f"{records.WORK_PREFIX}{worker.host}:{worker.pid}:{worker.started}"
