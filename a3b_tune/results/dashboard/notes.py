"""What a person reads beside a study and beside each trial, as Markdown.

Made when it is read, of what the search has stored anyway: nothing is written for it. Knows no
request; a note that somebody typed stands instead of these and is not looked at here.
"""

from collections.abc import Iterator, Mapping
from math import ceil, log10
from shlex import quote
from typing import Any

from optuna.trial import FrozenTrial

from a3b_tune.results.dashboard.again import Again
from a3b_tune.results.overview import SAME, Ceiling
from a3b_tune.results.trials import STATES
from a3b_tune.study import StudyFile, show_setting
from a3b_tune.tuning import records


class Notes:
    """The notes of one study and its trials."""

    def __init__(self, file: StudyFile, data: Mapping[str, Any], ceiling: Ceiling | None) -> None:
        self._file = file
        self._data = data
        self._ceiling = ceiling
        self._again = Again(file)
        rows = data.get("validation") or 0
        # Digits that tell one row more from one row less.
        self._digits = max(4, ceil(log10(rows))) if rows else 4

    def of_study(self) -> str:
        """What was asked, what can be reached, what is searched, and what to type."""
        return "\n\n".join(self._study())

    def of_trial(self, trial: FrozenTrial, picture: str | None = None) -> str:
        """What came out, why it ended, its seed and where it ran, and how to see it again.

        :param picture: where its curves are.
        """
        return "\n\n".join(self._trial(trial, picture))

    def _study(self) -> Iterator[str]:
        if self._file.study.question:
            yield f"**{_plain(self._file.study.question)}**"
        if self._ceiling:
            value = self.accuracy(self._ceiling.value)
            yield f"**Ceiling {value}**: {_plain(self._ceiling.why)}."
        searched = self._file.searched().items()
        yield "Searched:"
        yield "\n".join(f"- `{key}` {_code(show_setting(setting))}" for key, setting in searched)
        fixed = self._file.fixed().items()
        yield "Fixed: " + _code(", ".join(f"{key}={show_setting(value)}" for key, value in fixed))
        name = quote(self._file.study.name)
        yield "What to type:"
        yield _block(
            f"a3b-tune show {name}    # the best settings, and what decided",
            f"a3b-tune worker {name}  # train more of its trials on this machine",
            f"a3b-tune export {name}  # everything, as a table",
        )

    def _trial(self, trial: FrozenTrial, picture: str | None) -> Iterator[str]:
        attrs = trial.user_attrs
        record = attrs.get(records.RECORD) or {}
        if trial.intermediate_values:
            yield self._outcome(trial)
        reason = attrs.get(records.REASON)
        if reason:
            yield f"{STATES[trial.state]}: {_plain(str(reason))}"
        broken = [note["reason"] for note in attrs.get(records.INTERRUPTIONS, [])]
        if broken:
            yield _plain(f"It was interrupted: {'; '.join(broken)}")
        if record.get("repeats") is not None:
            yield f"The settings of trial {record['repeats']}, with another seed."
        if record:
            yield _plain("; ".join(_run(record)))
        if picture:
            yield f"![curves of trial {trial.number}]({picture})"
        yield from self._commands(trial.number, record.get("settings"))

    def _outcome(self, trial: FrozenTrial) -> str:
        epoch, value = best(trial)
        return f"**{self.accuracy(value)}** in epoch {epoch}{self._standing(value)}"

    def _standing(self, value: float) -> str:
        if self._ceiling is None:
            return ""
        gap, top = value - self._ceiling.value, self.accuracy(self._ceiling.value)
        if gap < -SAME:
            return f", {-gap:.{self._digits}f} below the ceiling of {top}"
        at = "at" if gap <= self._ceiling.margin + SAME else "above"
        return f", {at} the ceiling of {top}"

    def _commands(self, number: int, settings: Mapping[str, Any] | None) -> Iterator[str]:
        yield _block(f"a3b-tune show {quote(self._file.study.name)} --trial {number}")
        command = self._again.command(number, settings) if settings else None
        if command:
            yield "The same settings once more, with a seed of their own:"
            yield _block(command)

    def accuracy(self, value: float) -> str:
        """Never rounded up to 1: a model that gets one row wrong is not perfect."""
        shown = f"{value:.{self._digits}f}"
        if value < 1.0 and float(shown) == 1.0:
            shown = "0." + "9" * self._digits
        whole, _, part = shown.partition(".")
        return f"{whole}.{part.rstrip('0') or '0'}"


def best(trial: FrozenTrial) -> tuple[int, float]:
    """The first epoch with the best value, and that value."""
    values = trial.intermediate_values
    epoch = max(values, key=lambda step: (values[step], -step))
    return epoch, values[epoch]


def _run(record: Mapping[str, Any]) -> Iterator[str]:
    if "seed" in record:
        yield f"seed {record['seed']}"
    stack = record.get(records.STACK)
    if stack:
        yield "trained alone" if stack == 1 else f"one of up to {stack} trials of a stack"
    if record.get("device"):
        yield str(record["device"])
    versions = [f"{name} {version}" for name, version in record.get("versions", {}).items()]
    if versions:
        yield ", ".join(versions)
    if record.get("commit"):
        yield f"commit {record['commit']}"


def _plain(text: str) -> str:
    """Text in which Markdown finds nothing to do: it may hold what somebody named a study."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|!~" else sign for sign in text)


def _code(text: str) -> str:
    """As code, in a fence that is longer than any inside."""
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _block(*lines: str) -> str:
    return "\n".join(["```sh", *lines, "```"])
