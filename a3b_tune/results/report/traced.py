"""A study's numbers as a report tells them: each knows where it stands in its study.

A source is `trial 3 of synth: value` or `study synth: counts.complete`: what follows the colon is a
path in what `a3b-tune show synth --trial 3 --json`, or the same without a trial, prints; `counted`
behind it is the length of a list. `theory` in front says that it was worked out from the data or
the grammar, `asked` that a person chose it, `worked out` what was made of measured numbers. Knows
no page.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from a3b_tune.results import figures
from a3b_tune.results.report.blocks import Inline, Number
from a3b_tune.results.score import Score, score_of
from a3b_tune.study import Scalar

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview
    from a3b_tune.results.trials import TrialRow

NUMBERS = re.compile(r"([0-9]+(?:\.[0-9]+)?)")
# So many trials are named one by one.
NAMED = 8


@dataclass(frozen=True)
class Traced:
    """One study, and its numbers by where they stand."""

    overview: "StudyOverview"

    @property
    def name(self) -> str:
        return self.overview.name

    @cached_property
    def score(self) -> Score:
        """How the study's values are told."""
        return score_of(self.overview.file, self.overview.data.get("validation"))

    def study(self, path: str, value: float, shown: str = "", kind: str = "") -> Number:
        """A number of the study; grouped digits where no other way to show it is given."""
        source = f"{kind + ', ' if kind else ''}study {self.name}: {path}"
        return Number(shown or _plain(value), value, source)

    def trial(self, row: "TrialRow", path: str, value: float, shown: str = "") -> Number:
        """A number of a trial."""
        return Number(shown or _plain(value), value, f"trial {row.number} of {self.name}: {path}")

    def called(self, number: int) -> Inline:
        """A trial's number as its name."""
        return Number(str(number), number, f"trial {number} of {self.name}: number")

    def calls(self, numbers: Sequence[int]) -> list[Inline]:
        """The names of several trials, the first ones of many."""
        named = joined([self.called(number)] for number in numbers[:NAMED])
        return [*named, ", …"] if len(numbers) > NAMED else named

    def value(self, row: "TrialRow", *, short: bool = False) -> Inline:
        """A trial's best value."""
        if row.value is None:
            return "–"
        return self.trial(row, "value", row.value, self.score.value(row.value, short=short))

    def moment(self, row: "TrialRow") -> Inline:
        """The epoch, or of a text the step, of a trial's best value."""
        if row.best_epoch is None:
            return "–"
        return self.trial(row, self.moment_path("best_epoch"), self.score.moment(row.best_epoch))

    def moment_path(self, path: str) -> str:
        """A path to a number of epochs that is told as one of steps where the study is on text."""
        return f"{path}, in steps" if self.score.every else path

    def setting(self, row: "TrialRow", name: str, digits: int = 6) -> Inline:
        """What a trial had for a setting, to so many significant digits."""
        value = row.settings.get(name)
        if value is None:
            return "–"
        return self.scalar(value, f"trial {row.number} of {self.name}: settings.{name}", digits)

    def asked(self, path: str, value: Scalar) -> Inline:
        """A value that stands in the study file."""
        return self.scalar(value, f"asked, study {self.name}: {path}")

    def seconds(self, path: str, value: float) -> Number:
        """A length of time of the study."""
        return self.study(path, value, span(value))

    def quoted(self, path: str, text: str) -> list[Inline]:
        """A stored text whose numbers say that they are from there."""
        return [
            self.study(path, float(part), part) if part[0].isdecimal() else part
            for part in NUMBERS.split(text)
            if part
        ]

    @staticmethod
    def scalar(value: Scalar, source: str, digits: int = 6) -> Inline:
        """A word as it is, a number with its source."""
        if isinstance(value, str | bool):
            return figures.setting(value)
        return Number(figures.setting(value, digits), value, source)


def span(seconds: float) -> str:
    """`0.42 s`, `9.1 s`, `2:05 min`, `1:02:05 h`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    return f"{figures.duration(seconds)} {'h' if seconds >= 3600 - 0.5 else 'min'}"


def unit_of(seconds: float) -> tuple[float, str]:
    """The seconds of the unit in which an axis up to here is told, and its name."""
    if seconds < 3 * 60:
        return 1.0, "s"
    return (60.0, "min") if seconds < 3 * 3600 else (3600.0, "h")


def joined(parts: Iterable[Sequence[Inline]], between: str = ", ") -> list[Inline]:
    """Several pieces of text as one."""
    found: list[Inline] = []
    for part in parts:
        found += [between, *part] if found else part
    return found


def counted(number: Number, one: str, many: str = "") -> list[Inline]:
    """`1 trial`, `12 trials`."""
    return [number, f" {one}" if number.value == 1 else f" {many or one + 's'}"]


def _plain(value: float) -> str:
    return figures.grouped(value) if isinstance(value, int) else f"{value:.4g}"
