"""What a confirmation came to, as it is kept in a note of its study and shown from there.

Knows no storage, no screen and nothing of how it was worked out; starts without torch.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Row:
    """One setting: after `seeds` of them its `mean` with `half` of its 95 % interval, the `last`
    epochs' mean, and the `probability` that it is the best of all; `said` is what the search said,
    `optimism` by how much too good that was; `dropped` tells after how many seeds it was out;
    `faults` are its runs that diverged or failed, with their seeds."""

    trial: int
    seeds: int
    mean: float
    half: float
    last: float
    probability: float
    said: float
    optimism: float
    values: tuple[float, ...]
    dropped: int | None = None
    faults: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Against:
    """Two studies' winners on the same seeds; a `mean` above 0 is for the first."""

    study: str
    trial: int
    mean: float
    half: float
    p: float
    p_exact: float | None
    seeds: int


@dataclass(frozen=True)
class Verdict:
    """A confirmation, its rows from the best down: those that were dropped stand last. `searched`
    is the trial that the search has first, `optimism` the mean of all rows; `seconds` were spent by
    this command alone."""

    rows: tuple[Row, ...]
    metric: str
    searched: int
    optimism: float
    seeds: tuple[int, ...]
    racing: bool
    when: str
    seconds: float
    against: Against | None = None

    @property
    def winner(self) -> Row:
        return self.rows[0]

    @property
    def held(self) -> bool:
        """Whether the search's own winner is this one too."""
        return self.winner.trial == self.searched

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"winner": self.winner.trial, "held": self.held}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Of what `to_json` gave, or a database made of it."""
        known = {name: told[name] for name in cls.__dataclass_fields__}
        known["rows"] = tuple(_row(row) for row in told["rows"])
        known["seeds"] = tuple(told["seeds"])
        against = told.get("against")
        known["against"] = Against(**against) if against else None
        return cls(**known)


def _row(told: Mapping[str, Any]) -> Row:
    lists = {"values": tuple(told["values"]), "faults": tuple(map(tuple, told["faults"]))}
    return Row(**{**told, **lists})
