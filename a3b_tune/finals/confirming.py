"""A study confirmed: its best settings raced on fresh seeds, each value kept once it is there.

Knows neither how runs are trained nor the screen: what happens is told as events.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from a3b_tune.errors import InputError
from a3b_tune.finals.contest import Contestant, Outcome, Race, fresh_seeds
from a3b_tune.finals.optimism import against, verdict
from a3b_tune.finals.processes import Crew, Told
from a3b_tune.finals.retraining import Ended, Ground
from a3b_tune.finals.verdict import Verdict
from a3b_tune.tuning import notes, records
from a3b_tune.tuning.studies import StoredStudy

# Seconds of runs to come from which it is worth a look who is behind: stacks of fewer runs are less
# than that much quicker.
WORTH = 60.0


@dataclass(frozen=True)
class Entry:
    """A study to be confirmed, with its settings from the search's best down, and the seeds that
    its search had."""

    stored: StoredStudy
    contestants: Sequence[Contestant]
    searched_seeds: Collection[int]

    @property
    def name(self) -> str:
        return self.stored.file.study.name

    @property
    def data_hash(self) -> str:
        return str(self.stored.study.user_attrs[records.STUDY_DATA]["hash"])

    @property
    def ground(self) -> Ground:
        return Ground(self.stored.file.data, self.data_hash, self.stored.file.metric)


@dataclass(frozen=True)
class Wish:
    """What was asked for: so many `seeds`, dropping who is behind or not, and whether to measure
    `again` what was measured before."""

    seeds: int
    racing: bool = True
    again: bool = False


@dataclass(frozen=True)
class Begun:
    """A round begins: so many runs in it, of so many `epochs` together, `most` runs to come in
    all; up to which seed each study gets."""

    runs: int
    epochs: int
    most: int
    races: Sequence[Race]


@dataclass
class Confirmation:
    """One study against itself, or two against each other, on the same seeds.

    :param notify: hears `Begun`, and what a crew tells.
    """

    entries: Sequence[Entry]
    wish: Wish
    notify: Callable[[Begun | Told], None]
    races: list[Race] = field(init=False)

    def __post_init__(self) -> None:
        check_alike(self.entries)
        taken = {seed for entry in self.entries for seed in entry.searched_seeds}
        seeds = fresh_seeds(self.entries[0].data_hash, self.wish.seeds, taken)
        self.races = [
            Race(
                entry.contestants,
                seeds,
                entry.stored.file.metric,
                racing=self.wish.racing,
                known=() if self.wish.again else measured(entry),
            )
            for entry in self.entries
        ]

    def grounds(self) -> dict[str, Ground]:
        return {entry.name: entry.ground for entry in self.entries}

    def left(self) -> int:
        """How many runs are to be made at most."""
        return sum(race.most_left() for race in self.races)

    def __call__(self, crew: Crew) -> list[Verdict]:
        """Trains what is to be trained; what each study's race came to.

        :raises Stopped: as the crew does; what had ended is kept.
        """
        began = time.monotonic()
        while tasks := [task for race in self.races for task in race.wanted()]:
            epochs = sum(task.who.rounds for task in tasks)
            self.notify(Begun(len(tasks), epochs, self.left(), self.races))
            round_began = time.monotonic()
            crew(tasks, self._hear)
            seconds = (time.monotonic() - round_began) / len(tasks)
            if seconds * self.left() < WORTH:
                for race in self.races:
                    race.look_no_more()
        return self._conclude(time.monotonic() - began)

    def _hear(self, told: Told) -> None:
        if isinstance(told, Ended):
            for entry, race in zip(self.entries, self.races, strict=True):
                own = [each for each in told.outcomes if each.study == entry.name]
                for outcome in own:
                    race.hear(outcome)
                if own:
                    notes.note_confirmation(entry.stored, _runs(entry, own, told))
        self.notify(told)

    def _conclude(self, seconds: float) -> list[Verdict]:
        other = None
        if len(self.races) == 2:
            other = against(self.races[0], self.races[1], self.entries[1].name)
        found = []
        for entry, race in zip(self.entries, self.races, strict=True):
            told = verdict(
                race,
                racing=self.wish.racing,
                when=_now(),
                seconds=round(seconds, 1),
                against=other if entry is self.entries[0] else None,
            )
            notes.note_confirmation(
                entry.stored, {"kind": notes.RACE} | _about(entry) | told.to_json()
            )
            found.append(told)
        return found


def check_alike(entries: Sequence[Entry]) -> None:
    """Refuses two studies that cannot be compared.

    :raises InputError: they are one, or have other data or another metric.
    """
    if len(entries) < 2:
        return
    first, second = entries
    told = f"--against {second.name}: cannot be compared with {first.name!r}, "
    if first.name == second.name:
        raise InputError(f"--against {second.name}: this is the same study")
    one, other = first.stored.file.metric.name, second.stored.file.metric.name
    if one != other:
        raise InputError(f"{told}whose metric is {one}, not {other}")
    if first.data_hash != second.data_hash:
        raise InputError(f"{told}which has other data or another split of it")


def measured(entry: Entry) -> list[Outcome]:
    """What was measured before of a study's settings, on this data with these versions."""
    found = []
    for note in notes.confirmations(entry.stored):
        if note["kind"] == notes.RUNS and _agrees(note, entry):
            found += [Outcome(study=entry.name, **run) for run in note["runs"]]
    return found


def _agrees(note: dict[str, Any], entry: Entry) -> bool:
    alike: bool = note["data"] == entry.data_hash and note["versions"] == records.versions()
    return alike


def _about(entry: Entry) -> dict[str, Any]:
    return {
        "data": entry.data_hash,
        "versions": records.versions(),
        "commit": records.commit(),
        "trials": [who.trial for who in entry.contestants],
    }


def _runs(entry: Entry, own: Sequence[Outcome], told: Ended) -> dict[str, Any]:
    return {
        "kind": notes.RUNS,
        "when": _now(),
        "data": entry.data_hash,
        "versions": records.versions(),
        "commit": records.commit(),
        "device": told.device,
        "slots": told.slots,
        "runs": [outcome.to_json() for outcome in own],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
