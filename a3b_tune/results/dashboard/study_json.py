"""One study as the JSON that optuna-dashboard's pages read, put together anew for each question
from parts that are kept.

Knows how a study is stored; knows no request.
"""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.results.dashboard import bands, fragments
from a3b_tune.results.dashboard.measure import Measure
from a3b_tune.results.dashboard.notes import Notes
from a3b_tune.study import StudyFile, show_setting
from a3b_tune.tuning import records

PLOT = re.compile(r"dashboard:plot_data:(.+):(\d+)")


class StudyJson:
    """A study of a3b-tune's. May be used by many threads.

    :param attrs: its user attributes.
    """

    def __init__(self, study_id: int, attrs: Mapping[str, Any]) -> None:
        self.attrs = attrs
        self.file = StudyFile.from_json(attrs[records.STUDY_FILE])
        self.measure = Measure.of(self.file, attrs)
        self._study_id = study_id
        self._notes = Notes(self.file, self.measure)
        self._lock = threading.Lock()
        self._told: dict[int, bytes] = {}
        self._known: set[int] = set()
        self._best: FrozenTrial | None = None
        self._space: dict[str, BaseDistribution] = {}
        self._common: set[str] | None = None
        self._sortable: dict[str, bool] = {}
        self._plot = (0, "")

    def says_the_same(self, attrs: Mapping[str, Any]) -> bool:
        """Whether what is kept here is still right."""
        keys = (records.STUDY_FILE, records.STUDY_CEILING, records.STUDY_FLOOR, records.STUDY_DATA)
        return all(self.attrs.get(key) == attrs.get(key) for key in keys)

    def whole(
        self,
        name: str,
        trials: Sequence[FrozenTrial],
        after: int,
        system_attrs: Mapping[str, Any],
    ) -> bytes:
        """The study with its trials from number `after` on.

        :param trials: all of them, by number.
        :param system_attrs: the study's, where notes and files are.
        """
        with self._lock:
            touched = fragments.touched(system_attrs)
            for trial in trials:
                self._learn(trial)
            told = [self._trial(trial, system_attrs, touched) for trial in trials[after:]]
            best_trials = [] if self._best is None else [self._best]
            chosen = [self._trial(trial, system_attrs, touched) for trial in best_trials]
            head = json.dumps(self._head(name, trials, system_attrs))
            space = fragments.space_json(self._space)
            common = fragments.space_json({key: self._space[key] for key in self._common or ()})
        spaces = f'"union_search_space":{space},"intersection_search_space":{common}'
        parts = (b'"best_trials":[', b",".join(chosen), b'],"trials":[', b",".join(told), b"]}")
        return b"".join([head[:-1].encode(), b",", spaces.encode(), b",", *parts])

    def _head(
        self, name: str, trials: Sequence[FrozenTrial], system_attrs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """All but trials and ranges."""
        many = len(trials) > bands.MANY
        reported = any(trial.intermediate_values for trial in trials)
        body = {"version": 0, "body": self._notes.of_study()}
        plots = _own_plots(system_attrs)
        if many and reported:
            plots["a3b-tune-curves"] = self._curves(trials)
        return {
            "name": name,
            "directions": ["maximize" if self.measure.metric.sign > 0 else "minimize"],
            "user_attrs": fragments.shown(study_attrs(self.attrs)),
            "artifacts": fragments.study_artifacts(system_attrs),
            "union_user_attrs": [
                {"key": key, "sortable": can} for key, can in sorted(self._sortable.items())
            ],
            # A line for each trial: with very many of them a browser is busy for minutes.
            "has_intermediate_values": reported and not many,
            "note": fragments.note(system_attrs, None) or body,
            "objective_names": [self.measure.axis],
            "is_preferential": False,
            "feedback_component_type": {"output_type": "note"},
            "plotly_graph_objects": [
                {"id": key, "graph_object": plot} for key, plot in plots.items()
            ],
        }

    def _trial(
        self, trial: FrozenTrial, system_attrs: Mapping[str, Any], touched: set[int]
    ) -> bytes:
        if trial._trial_id in touched:
            return fragments.trial_json(self._study_id, trial, self._notes, system_attrs)
        if not trial.state.is_finished():
            return fragments.trial_json(self._study_id, trial, self._notes, {})
        if trial._trial_id not in self._told:
            told = fragments.trial_json(self._study_id, trial, self._notes, {})
            self._told[trial._trial_id] = told
        return self._told[trial._trial_id]

    def _learn(self, trial: FrozenTrial) -> None:
        """Adds what a trial says of the study; each that has ended is looked at once."""
        if trial._trial_id in self._known:
            return
        for key, value in fragments.trial_attrs(trial, self.measure).items():
            self._sortable[key] = fragments.sortable(value) and self._sortable.get(key, True)
        if trial.params and trial.state != TrialState.FAIL:
            self._space |= trial.distributions
            names = set(trial.distributions)
            self._common = names if self._common is None else self._common & names
        if trial.state == TrialState.COMPLETE and trial.values and trial.intermediate_values:
            self._best = min(self._best or trial, trial, key=self._rank)
        if trial.state.is_finished():
            self._known.add(trial._trial_id)

    def _curves(self, trials: Sequence[FrozenTrial]) -> str:
        ended = len(self._known)
        if self._plot[0] != ended:
            finished = [trial for trial in trials if trial._trial_id in self._known]
            self._plot = (ended, bands.plot(finished, self.measure))
        return self._plot[1]

    def _rank(self, trial: FrozenTrial) -> tuple[float, int, int]:
        """As everywhere here: a better value, then fewer epochs to it, then the earlier trial."""
        assert trial.values is not None
        measure = self.measure
        return -measure.metric.key(trial.values[0]), measure.best(trial)[0], trial.number


def study_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a study beside its trials, instead of its records."""
    file = StudyFile.from_json(attrs[records.STUDY_FILE])
    told: dict[str, Any] = {"question": file.study.question, "trials": file.study.trials}
    told |= {key: show_setting(setting) for key, setting in file.searched().items()}
    told |= {"sampler": file.study.sampler.name, "pruner": file.study.pruner.name}
    data = attrs.get(records.STUDY_DATA)
    if data:
        rows = f"{data.get('unit')}s" if file.is_text else "rows"
        parts = f"{data['train']} training and {data['validation']} validation {rows}"
        told["data"] = f"{data['name']}: {parts}"
    ceiling = attrs.get(records.STUDY_CEILING)
    if ceiling:
        told["ceiling"] = f"{ceiling['value']}: {ceiling['why']}"
    floor = attrs.get(records.STUDY_FLOOR)
    if floor:
        told["floor"] = f"{floor['value']:.4f}: {floor['why']}"
    versions = attrs.get(records.STUDY_VERSIONS) or {}
    told["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    others = {key: value for key, value in attrs.items() if not key.startswith(fragments.OURS)}
    return {key: value for key, value in told.items() if value} | others


def _own_plots(system_attrs: Mapping[str, Any]) -> dict[str, str]:
    """Plots that somebody added with optuna-dashboard's `save_plotly_graph_object`, in pieces."""
    pieces: dict[str, dict[int, str]] = {}
    for key, piece in system_attrs.items():
        if match := PLOT.fullmatch(key):
            pieces.setdefault(match[1], {})[int(match[2])] = piece
    return {name: "".join(found[k] for k in sorted(found)) for name, found in pieces.items()}
