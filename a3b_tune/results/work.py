"""Where the time of a study's workers went, and how full their stacks were.

Knows how workers' accounts are stored; knows nothing of trials.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from a3b_tune.tuning import records

# What a worker's account does not name: reading data, choosing stack sizes, waiting.
REST = "rest"


@dataclass(frozen=True)
class Work:
    """All workers of a study together. `wall` is the time in which at least one ran, `seconds`
    their time by part, `rest` included, summed over workers; `slot_seconds` are slots times the
    time that their stacks trained and evaluated, `busy_seconds` only of slots that held a trial;
    `device_seconds` are the workers' times, times their devices, by kind of device."""

    workers: int
    wall: float
    trials: int
    seconds: Mapping[str, float]
    slot_seconds: float
    busy_seconds: float
    device_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def trials_per_second(self) -> float | None:
        return self.trials / self.wall if self.wall else None

    @property
    def slots_busy(self) -> float | None:
        """The share of slots that held a trial, while stacks trained."""
        return self.busy_seconds / self.slot_seconds if self.slot_seconds else None

    def shares(self) -> dict[str, float]:
        """The share of each part in the workers' time."""
        total = sum(self.seconds.values())
        return {part: spent / total for part, spent in self.seconds.items()} if total else {}

    def to_json(self) -> dict[str, Any]:
        return {
            **vars(self),
            "trials_per_second": self.trials_per_second,
            "slots_busy": self.slots_busy,
            "shares": self.shares(),
        }


def work(attributes: Mapping[str, Any]) -> Work | None:
    """The accounts among a study's attributes, added up, but for those of workers that found
    nothing to train; None where there are no others."""
    found = [attributes[key] for key in attributes if key.startswith(records.WORK_PREFIX)]
    accounts = [account for account in found if account["seconds"]["training"]]
    if not accounts:
        return None
    return Work(
        workers=len(accounts),
        wall=_covered([_span(account) for account in accounts]),
        trials=sum(account["trials"] for account in accounts),
        seconds=_seconds(accounts),
        slot_seconds=round(sum(account["slot_seconds"] for account in accounts), 3),
        busy_seconds=round(sum(account["busy_seconds"] for account in accounts), 3),
        device_seconds=_devices(accounts),
    )


def _seconds(accounts: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    rest = 0.0
    for account in accounts:
        for part, spent in account["seconds"].items():
            seconds[part] = seconds.get(part, 0.0) + spent
        # Parts are rounded, so their sum may exceed the whole by a little.
        rest += max(0.0, account["wall"] - sum(account["seconds"].values()))
    return {part: round(spent, 3) for part, spent in {**seconds, REST: rest}.items()}


def _devices(accounts: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """As the budget of a study counts them; accounts of older versions name no device."""
    seconds: dict[str, float] = {}
    for account in accounts:
        if kind := account.get("device"):
            spent = account["wall"] * account["devices"]
            seconds[kind] = round(seconds.get(kind, 0.0) + spent, 3)
    return seconds


def _span(account: Mapping[str, Any]) -> tuple[float, float]:
    began = datetime.fromisoformat(account["began"]).timestamp()
    return began, began + account["wall"]


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """The length of all spans together, what overlaps counted once."""
    covered, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        covered += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return round(covered, 3)
