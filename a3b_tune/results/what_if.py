"""What a study would have come to under other pruners and budgets: same winner, at what cost?

Knows how a study is read and replayed; knows no screen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from a3b_tune.errors import InputError
from a3b_tune.results.overview import SAME, StudyOverview
from a3b_tune.results.replay import Curve, Fate, Limit, Lived, Replay, curves
from a3b_tune.results.trials import json_object
from a3b_tune.study import Metric, StudyFile, override
from a3b_tune.tuning.pruning import build_pruner

FATES: tuple[Fate, ...] = ("complete", "pruned", "itself", "unknown", "stopped")


@dataclass(frozen=True)
class Asked:
    """A pruner as it was asked for, and the study file that has it."""

    words: str
    file: StudyFile


@dataclass(frozen=True)
class WhatIf:
    """One replay. `epochs` and `seconds` of work are what the followed curves took, `most_epochs`
    and `most_seconds` what it is if those that could not be followed had gone on to their ends;
    `share` and `most_share` are the epochs' shares in what the study took. `winner` is the best of
    the trials that came to their ends, `regret` by how much it is worse than the study's best;
    `alike` trials ended where they did when the study ran."""

    pruner: str
    limit: Limit
    counts: dict[str, int]
    epochs: int
    most_epochs: int
    seconds: float
    most_seconds: float
    share: float
    most_share: float
    most_time_share: float
    time_share: float
    winner: int | None
    value: float | None
    regret: float | None
    alike: int

    @property
    def begun(self) -> int:
        return sum(self.counts.values())

    @property
    def unknown(self) -> int:
        return self.counts["unknown"]

    def to_json(self) -> dict[str, Any]:
        return json_object(asdict(self))


@dataclass(frozen=True)
class Replays:
    """All replays of a study. `own` is its own pruner lived again, which tells how far replays are
    to be believed; `better` is the one to be taken next time, None where nothing asked for is
    better than what was."""

    study: StudyOverview
    trials: int
    epochs: int
    seconds: float
    winner: int
    value: float
    own: WhatIf
    others: tuple[WhatIf, ...]
    better: WhatIf | None

    def to_json(self) -> dict[str, Any]:
        return json_object(
            {
                "study": self.study.name,
                "metric": self.study.file.metric.name,
                "ran": {
                    "pruner": pruner_words(self.study.file),
                    "trials": self.trials,
                    "epochs": self.epochs,
                    "seconds": self.seconds,
                    "winner": self.winner,
                    "value": self.value,
                },
                "own": self.own.to_json(),
                "replays": [each.to_json() for each in self.others],
                "better": None if self.better is None else self.better.pruner,
            }
        )


def asked_for(file: StudyFile, words: str) -> Asked:
    """The pruner that `asha` or `hyperband:reduction_factor=4,min_resource=2` asks for.

    :raises InputError: there is no such pruner or option.
    """
    name, _, options = words.partition(":")
    changes = [f"study.pruner={name.strip()}"]
    changes += [f"study.pruner.{each.strip()}" for each in options.split(",") if each.strip()]
    return Asked(words, override(file, changes, f"--pruner {words}"))


def pruner_words(file: StudyFile) -> str:
    """A file's pruner as `asked_for` reads it."""
    spec = file.study.pruner
    options = ",".join(f"{key}={value}" for key, value in spec.options.items())
    return f"{spec.name}:{options}" if options else spec.name


def what_if(study: StudyOverview, asked: Sequence[Asked], limits: Sequence[Limit]) -> Replays:
    """Replays a study under each pruner with each limit.

    :raises InputError: no trial is complete, so there is no winner to compare with.
    """
    best = study.best
    if best is None or best.value is None:
        raise InputError(f"study {study.name!r} has no complete trial yet; whatif needs one")
    ran = _Ran(study.file.metric, curves(study.trials, study.file.metric), best.number, best.value)
    own = ran.replayed(Asked(pruner_words(study.file), study.file), Limit())
    others = [ran.replayed(each, limit) for each in asked for limit in limits]
    # The pruner that it had is no other one, whatever its replay made of it.
    known = {each.words for each in asked if each.file.study.pruner == study.file.study.pruner}
    return Replays(
        study=study,
        trials=len(ran.curves),
        epochs=ran.epochs,
        seconds=ran.seconds,
        winner=best.number,
        value=best.value,
        own=own,
        others=tuple(others),
        better=_better(
            [each for each in others if each.pruner not in known or each.limit != Limit()],
            ran.epochs,
        ),
    )


def _better(others: Iterable[WhatIf], epochs: int) -> WhatIf | None:
    """The same value for the fewest epochs, however those trials would have gone on that could not
    be followed."""
    same = [each for each in others if each.regret is not None and each.regret <= SAME]
    first = min(same, key=lambda each: each.most_epochs, default=None)
    return first if first is not None and first.most_epochs < epochs else None


@dataclass(frozen=True)
class _Ran:
    """A study as it ran."""

    metric: Metric
    curves: Sequence[Curve]
    winner: int
    value: float

    @property
    def epochs(self) -> int:
        return sum(len(curve.values) for curve in self.curves)

    @property
    def seconds(self) -> float:
        return sum(sum(curve.work) for curve in self.curves)

    def replayed(self, asked: Asked, limit: Limit) -> WhatIf:
        # Each replay has a pruner of its own: pruners remember.
        name, pruner = asked.file.study.name, build_pruner(asked.file)
        lived = Replay(name, self.metric, self.curves, pruner, limit)()
        epochs, seconds = sum(one.epochs for one in lived), sum(one.seconds for one in lived)
        most = epochs + sum(one.more for one in lived)
        most_seconds = seconds + sum(one.more_seconds for one in lived)
        winner, value = self._winner(lived)
        return WhatIf(
            pruner=asked.words,
            limit=limit,
            counts={fate: sum(one.fate == fate for one in lived) for fate in FATES},
            epochs=epochs,
            most_epochs=most,
            seconds=seconds,
            most_seconds=most_seconds,
            share=_share(epochs, self.epochs),
            most_share=_share(most, self.epochs),
            time_share=_share(seconds, self.seconds),
            most_time_share=_share(most_seconds, self.seconds),
            winner=winner,
            value=value,
            regret=None if value is None else self.metric.key(self.value) - self.metric.key(value),
            alike=sum(one.as_it_ran for one in lived),
        )

    def _winner(self, lived: Sequence[Lived]) -> tuple[int | None, float | None]:
        """As studies are ranked: the better value, then fewer epochs to it, then the number."""
        ends = []
        for one in lived:
            if one.fate == "complete":
                values = dict(enumerate(one.curve.values, 1))
                epoch = self.metric.best_epoch(values)
                assert epoch is not None
                ends.append((-self.metric.key(values[epoch]), epoch, one.curve.number))
        if not ends:
            return None, None
        key, _, number = min(ends)
        return number, self.metric.key(-key)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
