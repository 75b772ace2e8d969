"""Everything there is to say about one study, gathered in one pass over its trials.

Knows nothing of the terminal; numbers are as they were measured.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from a3b_tune.results.importances import Importances, importances
from a3b_tune.results.trials import State, TrialRow, json_object, ranked, rows
from a3b_tune.results.work import Work, work
from a3b_tune.storage.opening import shown_url
from a3b_tune.study import StudyFile, show_setting
from a3b_tune.tuning import notes, records

if TYPE_CHECKING:
    from a3b_tune.tuning.studies import StoredStudy

# Accuracies closer than this are the same number: two sums of the same counts in another order.
SAME = 1e-9
# Bits above the ideal predictor below which nothing is left to learn that a thousand windows could
# show. A model at 0.56 bits has learnt a language of 0.548.
NOTHING_LEFT = 0.010
ENDED: tuple[State, ...] = ("complete", "pruned", "failed")
PARTS = ("training", "evaluation", "sampling", "storage")


@dataclass(frozen=True)
class Ceiling:
    """The best validation accuracy that any draw of the study can reach, and why. A lucky model
    may land up to `margin` above `value`."""

    value: float
    kind: str
    why: str
    margin: float = 0.0


@dataclass(frozen=True)
class Floor:
    """The bits per token that no model of this text can do without, with the standard error of that
    number, and why."""

    value: float
    error: float
    why: str


@dataclass(frozen=True)
class Reason:
    """Why trials ended as they did, with their numbers. Of pruned ones the epoch is left out."""

    state: State
    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class StudyOverview:
    """One study. `asked` is how many trials it is to have in all; `trials` are all of them by
    number and `ranking` the complete ones from the best down; `repeats` maps a trial to the earlier
    one whose settings it ran with a new seed; `lost` are running trials whose worker is gone;
    `seconds` is the time by part, summed over trials, `work` that of its workers, where they kept
    account; `storage` shows no password; `confirmation` is what came out when the best settings
    were last trained again, `tests` when the test split was scored and what came out."""

    storage: str
    file: StudyFile
    data: Mapping[str, Any]
    ceiling: Ceiling | None
    floor: Floor | None
    versions: Mapping[str, str]
    trials: Sequence[TrialRow]
    ranking: Sequence[TrialRow]
    importances: Importances
    asked: int
    counts: Mapping[State, int]
    reasons: Sequence[Reason]
    repeats: Mapping[int, int]
    lost: Sequence[int]
    seconds: Mapping[str, float]
    work: Work | None
    started: datetime | None
    last: datetime | None
    confirmation: Mapping[str, Any] | None = None
    tests: Sequence[Mapping[str, Any]] = ()

    @property
    def name(self) -> str:
        return self.file.study.name

    @property
    def ended(self) -> int:
        """How many trials are complete, pruned or failed."""
        return sum(self.counts[state] for state in ENDED)

    @property
    def best(self) -> TrialRow | None:
        return self.ranking[0] if self.ranking else None

    @property
    def excess(self) -> float | None:
        """The best trial's bits above the ideal predictor, on fresh windows where they were made;
        None where no ideal predictor is known."""
        scores = {} if self.best is None else self.best.scores
        return scores.get("final_excess", scores.get("excess"))

    @property
    def standing(self) -> Literal["at", "below", "above"] | None:
        """Where the best trial stands against the ceiling, or by its excess against the floor, at
        which it is where nothing is left to gain; None without either."""
        if self.best is None or self.best.value is None:
            return None
        if self.excess is not None:
            return "at" if self.excess <= NOTHING_LEFT else "above"
        if self.ceiling is None:
            return None
        gap = self.best.value - self.ceiling.value
        if gap < -SAME:
            return "below"
        return "at" if gap <= self.ceiling.margin + SAME else "above"

    def shares(self) -> dict[str, float]:
        """The share of each part in the time that was measured, the largest first."""
        total = sum(self.seconds.values())
        parts = sorted(self.seconds.items(), key=lambda part: -part[1])
        return {name: spent / total for name, spent in parts} if total else {}

    def to_json(self, top: int = 5) -> dict[str, Any]:
        """Everything but the trials, of which the `top` best are given without their curves."""
        return json_object({**self._facts(), **self._found(top)})

    def _facts(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "question": self.file.study.question,
            "storage": self.storage,
            "data": self.data,
            "searched": {key: show_setting(s) for key, s in self.file.searched().items()},
            "fixed": self.file.constant(),
            "file": self.file.plain(),
            "metric": self.file.metric.name,
            "ceiling": vars(self.ceiling) if self.ceiling else None,
            "floor": vars(self.floor) if self.floor else None,
            "versions": self.versions,
        }

    def _found(self, top: int) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "counts": self.counts,
            "lost": self.lost,
            "started": self.started,
            "last": self.last,
            "seconds": self.seconds,
            "work": self.work.to_json() if self.work else None,
            "standing": self.standing,
            "excess": self.excess,
            "best": [without_curve(row) for row in self.ranking[:top]],
            "importances": self.importances.to_json(),
            "reasons": [vars(reason) for reason in self.reasons],
            "repeats": self.repeats,
            "confirmation": self.confirmation,
            "tests": list(self.tests),
        }


def without_curve(row: TrialRow) -> dict[str, Any]:
    """A trial as JSON holds it, without its epochs."""
    return {key: value for key, value in row.to_json().items() if key != "epochs"}


def study_overview(stored: "StoredStudy") -> StudyOverview:
    """Reads a study's trials and gathers what they say."""
    attrs = stored.study.user_attrs
    found = rows(stored.study)
    ceiling, floor = attrs.get(records.STUDY_CEILING), attrs.get(records.STUDY_FLOOR)
    moments = [moment for row in found for moment in (row.started, row.ended) if moment]
    return StudyOverview(
        storage=shown_url(stored.storage.url),
        file=stored.file,
        data=attrs[records.STUDY_DATA],
        ceiling=Ceiling(**ceiling) if ceiling else None,
        floor=Floor(**floor) if floor else None,
        versions=attrs.get(records.STUDY_VERSIONS, {}),
        trials=found,
        ranking=ranked(found, stored.file.metric),
        importances=importances(stored),
        asked=max(stored.file.study.trials, len(found)),
        counts=_counts(found),
        reasons=_reasons(found),
        repeats={row.number: row.repeats for row in found if row.repeats is not None},
        lost=[row.number for row in found if row.lost],
        seconds=_seconds(found),
        work=work(attrs),
        started=min(moments, default=None),
        last=max(moments, default=None),
        confirmation=notes.last_race(attrs),
        tests=notes.notes_among(attrs, records.STUDY_TESTED),
    )


def _counts(found: Iterable[TrialRow]) -> dict[State, int]:
    counts: dict[State, int] = dict.fromkeys((*ENDED, "running", "waiting"), 0)
    for row in found:
        counts[row.state] += 1
    return counts


def _seconds(found: Iterable[TrialRow]) -> dict[str, float]:
    seconds = dict.fromkeys(PARTS, 0.0)
    for row in found:
        for part, spent in row.seconds.items():
            seconds[part] = seconds.get(part, 0.0) + spent
    return seconds


def _reasons(found: Iterable[TrialRow]) -> list[Reason]:
    """Reasons of trials that did not complete, the most frequent first."""
    groups: dict[tuple[State, str], list[int]] = {}
    for row in found:
        if row.state != "complete" and row.reason:
            groups.setdefault((row.state, _kind(row)), []).append(row.number)
    reasons = [Reason(state, text, tuple(numbers)) for (state, text), numbers in groups.items()]
    return sorted(reasons, key=lambda reason: -len(reason.numbers))


def _kind(row: TrialRow) -> str:
    """`behind at step 750` is one kind with `behind at step 2250`; an error is told in full."""
    reason = row.reason or ""
    return reason if row.state != "pruned" else re.split(r" at (?:epoch|step) |: ", reason)[0]
