"""What a person reads beside a study and beside each trial, as Markdown.

Made when it is read, of what the search has stored anyway: nothing is written for it. Knows no
request; a note that somebody typed stands instead of these and is not looked at here.
"""

import re
from collections.abc import Iterator, Mapping
from shlex import quote
from textwrap import fill
from typing import Any

from optuna.trial import FrozenTrial

from a3b_tune.results.dashboard.again import Again
from a3b_tune.results.dashboard.measure import Measure, last_epoch
from a3b_tune.results.overview import SAME
from a3b_tune.results.trials import STATES
from a3b_tune.study import StudyFile, show_setting
from a3b_tune.tuning import records
from a3b_tune.tuning.scores import SAMPLE

# Characters in a line of a sample.
WIDTH = 90
# A score's name in a record, and how a person is told of it.
SCORES = (
    ("final_excess", "fresh windows: excess over the ideal predictor"),
    ("final_bits", "fresh windows: bits"),
    ("excess", "fixed windows: excess over the ideal predictor"),
    ("bits_all", "fixed windows: bits over all positions"),
)


class Notes:
    """The notes of one study and its trials."""

    def __init__(self, file: StudyFile, measure: Measure) -> None:
        self._file = file
        self.measure = measure
        self._again = Again(file)

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
        if ceiling := self.measure.ceiling:
            yield f"**Ceiling {self.measure.value(ceiling.value)}**: {_plain(ceiling.why)}."
        if floor := self.measure.floor:
            value = f"{floor.value:.4f} ± {floor.error:.4f} bits per {self.measure.token}"
            yield f"**Floor {value}**: {_plain(floor.why)}."
        searched = self._file.searched().items()
        yield "Searched:"
        yield "\n".join(f"- `{key}` {_code(show_setting(setting))}" for key, setting in searched)
        fixed = self._file.constant().items()
        yield "Fixed: " + _code(", ".join(f"{key}={show_setting(value)}" for key, value in fixed))
        name = quote(self._file.study.name)
        yield "What to type:"
        write = [f"a3b-tune sample {name}  # let the best model write"]
        yield _block(
            f"a3b-tune show {name}    # the best settings, and what decided",
            f"a3b-tune worker {name}  # train more of its trials on this machine",
            f"a3b-tune export {name}  # everything, as a table",
            *(write if self._file.is_text else []),
        )

    def _trial(self, trial: FrozenTrial, picture: str | None) -> Iterator[str]:
        attrs = trial.user_attrs
        record = attrs.get(records.RECORD) or {}
        last = last_epoch(trial)
        if trial.intermediate_values:
            yield self._outcome(trial)
            if scores := list(_scores(last)):
                yield "\n".join(scores)
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
        if last.get(SAMPLE):
            yield "What its model wrote last:"
            yield _fenced(last[SAMPLE])
        yield from self._commands(trial.number, record.get("settings"))

    def _outcome(self, trial: FrozenTrial) -> str:
        measure = self.measure
        epoch, value = measure.best(trial)
        moment = f"{measure.unit} {measure.moment(epoch)}"
        if measure.every:
            return f"**{measure.value(value)} bits** at {moment}{self._standing(value)}"
        return f"**{measure.value(value)}** in {moment}{self._standing(value)}"

    def _standing(self, value: float) -> str:
        measure, ceiling = self.measure, self.measure.ceiling
        if measure.floor is not None:
            return f"; the floor is {measure.value(measure.floor.value)}"
        if ceiling is None:
            return ""
        gap, top = value - ceiling.value, measure.value(ceiling.value)
        if gap < -SAME:
            return f", {-gap:.{measure.digits}f} below the ceiling of {top}"
        at = "at" if gap <= ceiling.margin + SAME else "above"
        return f", {at} the ceiling of {top}"

    def _commands(self, number: int, settings: Mapping[str, Any] | None) -> Iterator[str]:
        yield _block(f"a3b-tune show {quote(self._file.study.name)} --trial {number}")
        command = self._again.command(number, settings) if settings else None
        if command:
            yield "The same settings once more, with a seed of their own:"
            yield _block(command)


def _scores(last: Mapping[str, Any]) -> Iterator[str]:
    """What a trial on text measured beside its value, a line each."""
    for name, told in SCORES:
        if name in last:
            error = last.get(f"{name}_error")
            yield f"- {told} {last[name]:.4f}" + ("" if error is None else f" ± {error:.4f}")
    if last.get("sentences"):
        yield f"- {last['valid_share']:.1%} of {last['sentences']:.0f} sampled sentences valid"


def _fenced(text: str) -> str:
    """As a block of code, in a fence that is longer than any inside; long lines, which would make
    the page wider than a screen, are broken."""
    text = "\n".join(fill(line, WIDTH, break_on_hyphens=False) for line in text.splitlines())
    longest = max((len(found) for found in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


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
