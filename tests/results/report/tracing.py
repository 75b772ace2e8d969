"""Where the numbers of a report stand in a storage, found by another way than the report's own:
from Optuna's trials and the attributes as they are stored."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.results.importances import Importances, halved, importances
from a3b_tune.results.report.blocks import Block, Code, Facts, Number, Paragraph, Report, Table
from a3b_tune.results.trials import rows
from a3b_tune.storage.opening import shown_url
from a3b_tune.tuning import notes, records
from a3b_tune.tuning.studies import StoredStudy

KINDS = ("theory", "asked", "worked out")
SOURCE = re.compile(rf"(?:(?:{'|'.join(KINDS)}), )?(?:trial (\d+) of|study) [^:]+: (.+)")
DIGITS = re.compile(r"\d+")
ENDED = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def texts(report: Report) -> Iterator[str | Number]:
    """Everything that a reader reads, but code and plots."""
    yield report.title
    for section in report.walk():
        yield section.heading
        for block in section.blocks:
            yield from _inline(block)


def _inline(block: Block) -> Iterator[str | Number]:
    match block:
        case Paragraph(parts, _):
            yield from parts
        case Table():
            yield from (block.caption, *block.columns)
            for row in block.rows:
                for cell in row:
                    yield from cell
        case Facts(pairs):
            for name, parts in pairs:
                yield from (name, *parts)
        case Code():
            pass


def numbers(report: Report) -> list[Number]:
    return [part for part in texts(report) if isinstance(part, Number)]


def quotes(stored: StoredStudy) -> set[str]:
    """Words with digits that a study has from a person or from its place: not measured."""
    found = {"a3b-tune", stored.file.study.name, shown_url(stored.storage.url)}
    attrs = stored.study.user_attrs
    for told in (attrs[records.STUDY_DATA], stored.file.plain()):
        found |= {value for value in _leaves(told) if isinstance(value, str)}
    found |= {part for name in stored.file.settings() for part in (name, name.split(".")[1])}
    for key in (records.STUDY_CEILING, records.STUDY_FLOOR):
        found |= {(attrs.get(key) or {}).get("why", "")}
    everything = [attrs[records.STUDY_VERSIONS]]
    for trial in stored.study.trials:
        record = trial.user_attrs.get(records.RECORD, {})
        everything += [record.get("device"), record.get("commit"), record.get("versions")]
        found |= {str(trial.user_attrs.get(records.REASON))}
    return {word for word in found | {str(each) for each in _leaves(everything)} if word}


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


class Traces:
    """Values by source, of one study."""

    def __init__(self, stored: StoredStudy) -> None:
        self.stored = stored
        self.trials = stored.study.trials
        self.attrs = stored.study.user_attrs
        self.metric = stored.file.metric

    def value(self, number: Number) -> float:
        """What stands where the number says that it is from."""
        found = SOURCE.fullmatch(number.source)
        assert found is not None, number
        trial, path = found.groups()
        return float(self._of_trial(int(trial), path) if trial else self._of_study(path))

    def _of_trial(self, number: int, path: str) -> Any:
        trial = self.trials[number]
        record = trial.user_attrs[records.RECORD]
        path, _, told = path.partition(", ")
        if told.startswith("less the ceiling"):
            return abs(self._best(trial)[1] - self.attrs[records.STUDY_CEILING]["value"])
        times = self.stored.file.training.evaluate_every if told == "in steps" else 1
        if path == "number":
            return trial.number
        if path == "value":
            return self._best(trial)[1]
        if path == "best_epoch":
            return self._best(trial)[0] * times
        epochs = trial.user_attrs[records.EPOCHS]
        where, _, name = path.partition(".")
        if where == "settings":
            return record["settings"][name]
        if where == "scores":
            return epochs[-1][name]
        if where == "epochs":
            at, _, key = name.partition(".")
            return epochs[int(at)][key] * times
        return record[path]

    def _best(self, trial: FrozenTrial) -> tuple[int, float]:
        values = trial.intermediate_values
        best = max(values, key=lambda epoch: (self.metric.key(values[epoch]), -epoch))
        return best, values[best]

    def _of_study(self, path: str) -> Any:
        path, _, told = path.partition(", ")
        where, _, name = path.partition(".")
        answer = getattr(self, f"_{where}".replace(" ", "_"), None)
        if answer is not None:
            return answer(name, told)
        return self._counted(path, told)

    def _counts(self, name: str, told: str) -> int:
        return sum(ENDED[trial.state] == name for trial in self.trials)

    def _ended(self, name: str, told: str) -> int:
        return sum(trial.state.is_finished() for trial in self.trials)

    def _asked(self, name: str, told: str) -> int:
        return max(self.stored.file.study.trials, len(self.trials))

    def _file(self, name: str, told: str) -> Any:
        return _at(self.stored.file.plain(), name)

    def _fixed(self, name: str, told: str) -> Any:
        return _at(self.stored.file.plain(), name)

    def _data(self, name: str, told: str) -> Any:
        return self.attrs[records.STUDY_DATA][name]

    def _ceiling(self, name: str, told: str) -> Any:
        return self.attrs[records.STUDY_CEILING][name]

    def _floor(self, name: str, told: str) -> Any:
        return self.attrs[records.STUDY_FLOOR][name]

    def _excess(self, name: str, told: str) -> Any:
        complete = [trial for trial in self.trials if trial.state == TrialState.COMPLETE]
        best = min(complete, key=lambda trial: (*self._best(trial)[::-1], trial.number))
        return best.user_attrs[records.EPOCHS][-1]["final_excess"]

    def _seconds(self, name: str, told: str) -> float:
        spent = [trial.user_attrs.get(records.SECONDS, {}) for trial in self.trials]
        whole = sum(sum(parts.values()) for parts in spent)
        part = sum(parts.get(name, 0.0) for parts in spent) if name else whole
        if told.endswith("of all seconds"):
            return part / whole
        return part / self._ended("", "") if told.endswith("per ended trial") else part

    def _work(self, name: str, told: str) -> float:
        accounts = [v for k, v in self.attrs.items() if k.startswith(records.WORK_PREFIX)]
        (only,) = accounts
        return {
            "workers": 1,
            "wall": only["wall"],
            "device_seconds.cpu": only["wall"] * only["devices"] / 3600,
            "trials_per_second": only["trials"] / only["wall"],
            "slots_busy": only["busy_seconds"] / (only["slot_seconds"] or 1.0),
            "seconds.rest": max(0.0, only["wall"] - sum(only["seconds"].values())),
        }[name]

    def _importances(self, name: str, told: str) -> float:
        found = self.importances
        where, _, setting = name.partition(".")
        if where != "shares":
            return float(getattr(found, where))
        if not told:
            return found.shares[setting]
        own = self.halved[setting]
        picks = {"mean": np.mean(own), "low": np.quantile(own, 0.025)}
        return float({**picks, "high": np.quantile(own, 0.975)}[told.split(", ")[1]])

    @cached_property
    def importances(self) -> Importances:
        return importances(self.stored)

    @cached_property
    def halved(self) -> dict[str, list[float]]:
        return halved(rows(self.stored.study), self.stored.file, 200, 0)

    def _reasons(self, name: str, told: str) -> int:
        groups: dict[tuple[str, str], int] = {}
        for trial in self.trials:
            reason = trial.user_attrs.get(records.REASON)
            if reason and trial.state != TrialState.COMPLETE:
                state = ENDED[trial.state]
                kind = re.split(r" at |: ", reason)[0] if state == "pruned" else reason
                groups[state, kind] = groups.get((state, kind), 0) + 1
        return sorted(groups.values(), reverse=True)[int(name.partition(".")[0])]

    def _confirmation(self, name: str, told: str) -> Any:
        note = notes.last_race(self.attrs)
        if told == "less the mean":
            row = _at(note, name.rpartition(".")[0])
            return row["said"] - row["mean"]
        return self._noted(_at(note, name), told)

    def _tests(self, name: str, told: str) -> Any:
        return self._noted(_at(notes.tests_done(self.stored), name), told)

    @staticmethod
    def _noted(value: Any, told: str) -> Any:
        if told == "counted":
            return len(value)
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value

    def _started(self, name: str, told: str) -> float:
        return min(trial.datetime_start.timestamp() for trial in self.trials)

    def _last(self, name: str, told: str) -> float:
        ends = [trial.datetime_complete or trial.datetime_start for trial in self.trials]
        return max(end.timestamp() for end in ends)

    def _counted(self, path: str, told: str) -> int:
        if path == "trials without a value":
            return sum(
                not trial.intermediate_values and trial.state != TrialState.WAITING
                for trial in self.trials
            )
        if path == "other complete trials with the best value":
            done = [t for t in self.trials if t.state == TrialState.COMPLETE]
            values = [self._best(trial)[1] for trial in done]
            return values.count(self.metric.best(values)) - 1
        raise LookupError(path)


def _at(value: Any, path: str) -> Any:
    """What stands at a path of keys, of which one may hold dots itself."""
    if not path:
        return value
    if isinstance(value, list | tuple):
        head, _, rest = path.partition(".")
        return _at(value[int(head)], rest)
    value = json.loads(json.dumps(value, default=vars)) if not isinstance(value, dict) else value
    head = next(
        key for key in sorted(value, key=len, reverse=True) if f"{path}.".startswith(f"{key}.")
    )
    return _at(value[head], path[len(head) + 1 :])
