"""A trial run again from its record, and whether what comes out is what was recorded.

A trial that ran alone comes out the same to the bit, on the same kind of device with the same
versions. One of a stack is trained in such a stack again, beside trials of its shape that ran when
it did; in other company, on another device or with other versions the last digits may differ, and
training makes that larger. Knows neither how a study keeps a record nor the screen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

from a3b_tune.finals.trial_record import DIVERGED, Recorded
from a3b_tune.training import Diverged, Epoch, Prepared, recipe_from
from a3b_tune.training.checks import own_sources
from a3b_tune.training.learner import never
from a3b_tune.training.opening import open_learner
from a3b_tune.training.shape import Shape
from a3b_tune.tuning import records
from a3b_tune.tuning.measured import LOOKS, SAMPLE, epoch_record, rounds_of
from a3b_tune.tuning.studies import StoredStudy

# Times are measured, not computed.
TIMES = ("seconds", "evaluation_seconds")
# Where the last digits may differ, validation values still agree that are so near to each other.
NEAR = 0.005


@dataclass(frozen=True)
class Difference:
    """What differs between a record and this run: `then` and `now`."""

    what: str
    then: str
    now: str


@dataclass(frozen=True)
class Gap:
    """The largest difference of one number of the curve, in which epoch, and both values."""

    name: str
    epoch: int
    then: float
    now: float

    @property
    def size(self) -> float:
        return abs(self.then - self.now)


@dataclass(frozen=True)
class Verdict:
    """Whether a trial came out again. `faults` are what its record contradicts itself in;
    `differences` why its curve need not agree to the bit; `gaps` where it does not, the largest of
    each number; `epochs` how many were compared, of `recorded` ones; `ending` is told where the
    trials' ends differ."""

    number: int
    metric: str
    faults: tuple[str, ...]
    differences: tuple[Difference, ...]
    data: Difference | None = None
    epochs: int = 0
    recorded: int = 0
    gaps: tuple[Gap, ...] = ()
    ending: Difference | None = None

    @property
    def exact(self) -> bool:
        """Whether all numbers of the epochs compared are the same to the bit."""
        return self.data is None and not self.gaps and self.ending is None

    @property
    def gap(self) -> Gap | None:
        """The largest difference of the validation value."""
        return next((gap for gap in self.gaps if gap.name == self.metric), None)

    @property
    def near(self) -> bool:
        """Whether the validation values differ by rounding alone, or not at all."""
        return self.gap is None or self.gap.size <= NEAR

    @property
    def agrees(self) -> bool:
        """Whether settings and data are those recorded, and the curve: to the bit, or nearly where
        something differs."""
        if self.faults or self.data is not None:
            return False
        nearly = self.near and self.ending is None and bool(self.differences)
        return self.exact or nearly

    def to_json(self) -> dict[str, Any]:
        gaps = [asdict(gap) | {"size": gap.size} for gap in self.gaps]
        told = {"agrees": self.agrees, "exact": self.exact}
        return {"trial": self.number, **told, **asdict(self), "gaps": gaps}


def differences(stored: StoredStudy, trial: Recorded, device: str, beside: int) -> list[Difference]:
    """What is not as it was when the trial ran, of all that may change the last digits.

    :param device: where it runs now, as a record tells it.
    :param beside: how many others train with it.
    """
    now = records.versions()
    names = [name for name in now if trial.versions.get(name) != now[name]]
    found = [
        Difference(f"version of {name}", str(trial.versions.get(name)), now[name]) for name in names
    ]
    pairs = [
        ("source (commit)", trial.commit, records.commit()),
        ("model's own source", trial.sources, own_sources(stored.file).get("model_sources", {})),
        # The cores that a machine has change nothing: the threads are the record's.
        ("device", trial.device.partition(",")[0], device.partition(",")[0]),
    ]
    found += [
        Difference(what, _shown(then), _shown(own)) for what, then, own in pairs if then != own
    ]
    if trial.stack > 1:
        now_beside = f"beside {beside} of its time" if beside else "alone"
        then = f"in a stack of {trial.stack}, where trials came and went"
        found.append(Difference("company", then, now_beside))
    if trial.resumed is not None:
        then = f"went on from epoch {trial.resumed}, where it had been stopped"
        found.append(Difference("life", then, "in one piece"))
    return found


def _shown(value: object) -> str:
    return "not recorded" if value in (None, "", {}) else str(value)


def run_again(
    trial: Recorded,
    beside: Sequence[Recorded],
    prepared: Prepared,
    count: int,
    should_stop: Callable[[], bool] = never,
) -> Iterator[Epoch | Diverged]:
    """Trains a trial for `count` epochs, or until it diverges, with others beside it in one stack.

    :raises Stopped: `should_stop` said so.
    """
    together = sorted([trial, *beside], key=lambda each: each.number)
    slots = trial.stack if beside else 1
    rounds = max(rounds_of(each.settings) for each in together)
    learner = open_learner(Shape.of(trial.settings), prepared, slots, should_stop, rounds)
    members = {learner.add(recipe_from(each.settings, each.seed)): each for each in together}
    for _ in range(count):
        for member, outcome in learner.epoch().items():
            own = members[member]
            if own is trial:
                yield outcome
                if isinstance(outcome, Diverged):
                    return
            elif isinstance(outcome, Diverged) or outcome.epoch >= len(own.epochs):
                learner.remove(member)


def compared(
    trial: Recorded, outcomes: Sequence[Epoch | Diverged], metric: str
) -> tuple[list[Gap], Difference | None]:
    """The largest gap of each number of the curve that is not the same, and whether the trial's end
    is another one."""
    largest: dict[str, Gap] = {}
    ending = None
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Diverged):
            now, then = f"{DIVERGED}{outcome}", trial.reason or "nothing"
            at_end = place == len(trial.epochs) and trial.diverged
            if not at_end or now != then:
                ending = Difference("end", then, now)
        elif place == len(trial.epochs):
            ending = Difference("end", trial.reason or "nothing", "it went on")
        else:
            for gap in _gaps(trial.epochs[place], epoch_record(outcome, metric)):
                known = largest.get(gap.name)
                if known is None or not gap.size <= known.size:
                    largest[gap.name] = gap
    order = sorted(largest.values(), key=lambda gap: (gap.name != metric, gap.name))
    return order, ending


def _gaps(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Gap]:
    """What both epochs have and is not the same."""
    epoch = int(then["epoch"])
    for name in then.keys() & now.keys():
        if name in TIMES:
            continue
        if name == SAMPLE:
            if then[name] != now[name]:
                yield Gap("sample's letters", epoch, 0.0, float(_unlike(then[name], now[name])))
        elif name == LOOKS:
            for old, new in zip(then[name], now[name], strict=False):
                yield from _unequal("loss between evaluations", epoch, old[1], new[1])
        else:
            yield from _unequal(name, epoch, then[name], now[name])


def _unequal(name: str, epoch: int, then: float, now: float) -> Iterator[Gap]:
    if then != now and not (isnan(then) and isnan(now)):
        yield Gap(name, epoch, float(then), float(now))


def _unlike(then: str, now: str) -> int:
    same = sum(one == other for one, other in zip(then, now, strict=False))
    return max(len(then), len(now)) - same
