"""Who still lives: a worker's signs of life for all that it holds, and an eye on everyone else's.

Optuna beats trial by trial, only inside its own loop, and not through its proxy. Here one thread
beats for all trials of a worker in one call. Of a worker that beats no more the trials are given
up, and run again from their last checkpoints. Knows no learner.
"""

import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from a3b_tune.storage.patience import answered
from a3b_tune.storage.verbs import Beat, Release
from a3b_tune.tuning import records
from a3b_tune.tuning.events import Event
from a3b_tune.tuning.studies import StoredStudy

# A worker that has been silent for so many of its intervals is taken for dead.
SILENT = 2.0
# Seconds that a worker may need, beyond an interval, to be heard again after the storage was gone.
RETURN = 3.0
# Looks that are further apart, in seconds, have a gap between them.
GAP = 5.0
# Seconds without a single step after which a worker takes itself for hung.
HANG = 900.0
# What is told of a trial whose worker was lost counts against its retries.
LOST = "lost"


@dataclass(frozen=True)
class Reaped:
    """A trial of a worker that is gone, and whether it has failed or will run again."""

    number: int
    failed: bool
    reason: str


def interrupted(attrs: Mapping[str, Any], kind: str, reason: str) -> dict[str, Any]:
    """The attributes of a trial that is given up for a reason, on top of those it has."""
    before = attrs.get(records.INTERRUPTIONS, [])
    note = {"kind": kind, "reason": reason}
    return {records.REASON: f"put back: {reason}", records.INTERRUPTIONS: [*before, note]}


def losses(attrs: Mapping[str, Any]) -> int:
    """How often a trial's worker was lost."""
    return sum(note["kind"] == LOST for note in attrs.get(records.INTERRUPTIONS, []))


class Reaper:
    """Gives up the trials of workers that have died or hang.

    A worker of this machine is dead when its process is gone. Any other is dead when the storage's
    clock says that it has been silent for two intervals, and it has stayed silent while this one
    looked on for more than one, without a gap: after an outage all are silent, the living for a
    moment only.
    """

    def __init__(self, stored: StoredStudy, clock: Callable[[], float] = time.monotonic) -> None:
        self._stored = stored
        self._clock = clock
        self._interval = stored.file.study.heartbeat
        self._first_seen: dict[tuple[int, str], float] = {}
        self._looked = float("-inf")
        self._slowest = self._interval
        self.workers = 1

    def look(self, own: Collection[int] = ()) -> list[Reaped]:
        """One look at all running trials but one's own."""
        now = self._clock()
        if now - self._looked > max(self._interval, GAP):
            self._first_seen = {}
        found = [b for b in self._stored.storage.beats(self._stored.id) if b.trial_id not in own]
        self._looked = now
        seen = self._first_seen
        self._first_seen = {k: seen.get(k, now) for k in ((b.trial_id, b.beat) for b in found)}
        self._slowest = max([self._interval, *(records.interval_of(beat.claim) for beat in found)])
        self.workers = 1 + len({beat.claim.rpartition("|")[0] for beat in found})
        gone = {b.trial_id: (b, why) for b in found if (why := self._why_gone(b, now))}
        return self._give_up(gone) if gone else []

    def watched(self) -> bool:
        """Whether everything that is silent by now has been looked at for long enough to know."""
        now = self._clock()
        return all(now - first >= self._slowest + RETURN for first in self._first_seen.values())

    def _why_gone(self, beat: Beat, now: float) -> str | None:
        worker = records.claimer(beat.claim)
        who = "its worker" if worker is None else f"worker {worker.pid} on {worker.host}"
        here = worker is not None and worker.machine == records.machine()
        if worker is not None and records.is_dead(worker):
            return f"{who} died"
        # A study may have been gone on with at another pace than that of those who run it.
        interval = max(self._interval, records.interval_of(beat.claim))
        watched = now - self._first_seen[beat.trial_id, beat.beat]
        if beat.age < SILENT * interval or watched < interval + RETURN:
            return None
        silent = f"silent for {beat.age:.0f} s" if beat.beat else "never heard of"
        return f"{who} hung: {silent}" if here else f"{who} lost: {silent}"

    def _give_up(self, gone: Mapping[int, tuple[Beat, str]]) -> list[Reaped]:
        storage, retries = self._stored.storage, self._stored.file.study.retries
        told, releases = {}, []
        for trial in storage.read(self._stored.id, list(gone)):
            beat, why = gone[trial._trial_id]
            reaped = _judged(trial, why, retries)
            attrs = interrupted(trial.user_attrs, LOST, why)
            state = TrialState.FAIL if reaped.failed else TrialState.WAITING
            if reaped.failed:
                attrs[records.REASON] = reaped.reason
            releases.append(Release(beat.trial_id, beat.claim, attrs, state, beat.beat or None))
            told[beat.trial_id] = reaped
        return [told[trial_id] for trial_id in storage.release(releases)]


def _judged(trial: FrozenTrial, why: str, retries: int) -> Reaped:
    times = losses(trial.user_attrs) + 1
    if times <= retries:
        return Reaped(trial.number, False, why)
    return Reaped(trial.number, True, f"lost {times} times; the last: {why}")


def reap(stored: StoredStudy) -> list[Reaped]:
    """One look, as at the start of a run: at once, what can be known at once."""
    return Reaper(stored).look()


class Heart:
    """The thread that beats for a worker and looks after the others while it works.

    `news` are trials that were given up, and what `look_on`, called with every look at the others,
    put there; `refused` those of this worker's, with their claims, that
    somebody else has given up by now.

    :param hung: what ends the worker when it takes no step any more.
    """

    def __init__(self, stored: StoredStudy, hung: Callable[[], None] | None = None) -> None:
        self.news: deque[Reaped | Event] = deque()
        self.look_on: Callable[[], None] | None = None
        self.refused: set[tuple[int, str]] = set()
        self._stored = stored
        self._reaper = Reaper(stored)
        self._interval = stored.file.study.heartbeat
        self._stepped_at = time.monotonic()
        self._hung = hung or _end_process
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._live, name="heart", daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def stepped(self) -> None:
        """The worker has come one step further, so it does not hang."""
        self._stepped_at = time.monotonic()

    def _live(self) -> None:
        # Beats come a little early, so that none is late by the time that one takes. Trials have
        # their first when they are taken.
        pace = 0.8 * self._interval
        beat_at = time.monotonic() + pace
        look_at = time.monotonic() + min(self._interval / 2.0, 1.0)
        while not self._end.wait(max(0.05, min(beat_at, look_at) - time.monotonic())):
            now = time.monotonic()
            if now - self._stepped_at > HANG:
                self._hung()
            if now >= beat_at:
                # One that was not heard is repeated soon: after an outage the others wait for it.
                beat_at = now + (pace if self._beat() else min(1.0, pace))
            if now >= look_at:
                self._look()
                # All workers together look about once a second.
                most = min(self._interval / 2.0, float(self._reaper.workers))
                look_at = now + random.uniform(0.5, 1.0) * most

    def _beat(self) -> bool:
        claims = self._stored.view.claims()
        if not claims:
            return True

        def beat() -> None:
            refused = self._stored.storage.beat(claims)
            self.refused.update((trial_id, claims[trial_id]) for trial_id in refused)

        return self._quietly(beat)

    def _look(self) -> None:
        own = self._stored.view.claims()
        self._quietly(lambda: self.news.extend(self._reaper.look(own)))
        if self.look_on is not None:
            self._quietly(self.look_on)

    def _quietly(self, call: Callable[[], None]) -> bool:
        """Whether the storage answered. What it says to a thread nobody hears; the worker itself
        will find out."""
        try:
            return answered(self._stored.storage, call)
        except Exception:  # noqa: BLE001
            return False


def _end_process() -> None:
    """A thread cannot end what hangs; the others will find its trials."""
    told = (
        f"a3b-tune: no step for {HANG / 60:.0f} minutes, so this worker ends; its trials go back\n"
    )
    os.write(2, told.encode())
    os._exit(70)
