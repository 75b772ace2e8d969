"""The routes that are answered here instead of by optuna-dashboard: a study, its curves, its name.

A page asks for its study every few seconds, and optuna-dashboard then reads and tells all of it.
What it is asked about studies that a3b-tune did not make, it still answers itself. Knows no login.
"""

import io
import json
import re
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from a3b_tune.errors import InputError
from a3b_tune.results.dashboard import fragments
from a3b_tune.results.dashboard.answers import Answer, reason, text
from a3b_tune.results.dashboard.curves import Pictures, epochs
from a3b_tune.results.dashboard.study_json import StudyJson, study_attrs
from a3b_tune.results.dashboard.watching import Watched
from a3b_tune.results.export import export
from a3b_tune.results.overview import study_overview
from a3b_tune.tuning import records
from a3b_tune.tuning.studies import open_study

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ID = r"(\d{1,18})"
STUDY = re.compile(rf"/api/studies/{ID}")
CSV = re.compile(rf"/csv/{ID}")
RENAME = re.compile(rf"/api/studies/{ID}/rename")
PAGE = re.compile(rf"/dashboard/studies/{ID}(?:/.*)?")
ARTIFACT = re.compile(rf"(?:/api)?/artifacts/{ID}/{ID}/([0-9a-fA-F-]+)")
# Kept by the browser, and asked for again before it is used.
LOOKED_AT_AGAIN = ("Cache-Control", "private, no-cache")


class Routes:
    """Stands before optuna-dashboard's application."""

    def __init__(self, app: "WSGIApplication", storage: Watched) -> None:
        self._app = app
        self._storage = storage
        self._pictures = Pictures()
        self._lock = threading.Lock()
        self._studies: dict[int, StudyJson] = {}

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        answer = self._answer(environ)
        return self._app(environ, start) if answer is None else answer.send(environ, start)

    def warm(self, study_id: int) -> None:
        """Reads a study before somebody asks for it, in a thread of its own."""

        def read() -> None:
            with suppress(Exception):
                self._study(study_id, 0)

        threading.Thread(target=read, daemon=True).start()

    def _answer(self, environ: "WSGIEnvironment") -> Answer | None:
        """An answer, or None for what optuna-dashboard answers."""
        path, method = environ.get("PATH_INFO", "").rstrip("/"), environ["REQUEST_METHOD"]
        reading = method in ("GET", "HEAD")
        if reading and path == "/api/studies":
            return self._list()
        if reading and (found := STUDY.fullmatch(path)):
            return self._study(int(found[1]), _after(environ))
        if reading and (found := PAGE.fullmatch(path)):
            self.warm(int(found[1]))
        if found := ARTIFACT.fullmatch(path):
            return self._artifact(method, int(found[1]), int(found[2]), found[3])
        if reading and (found := CSV.fullmatch(path)):
            return self._csv(int(found[1]), environ)
        if method == "POST" and (found := RENAME.fullmatch(path)):
            return self._rename(int(found[1]))
        return None

    def _list(self) -> Answer:
        """All studies; of ours not the records, of which the pages show what they can."""
        told = [
            {
                "study_id": study._study_id,
                "study_name": study.study_name,
                "directions": [direction.name.lower() for direction in study.directions],
                "user_attrs": fragments.shown(_told(study.user_attrs)),
                "is_preferential": study.system_attrs.get("preference:is_preferential", False),
            }
            for study in self._storage.get_all_studies()
        ]
        return _json(json.dumps({"study_summaries": told}).encode())

    def _study(self, study_id: int, after: int | None) -> Answer | None:
        if after is None:
            return reason("400 Bad Request", "`after` is a whole number from 0")
        try:
            study = self._known(study_id)
            if study is None:
                return None
            trials = self._storage.trials(study_id)
            name = self._storage.get_study_name_from_id(study_id)
            attrs = self._storage.get_study_system_attrs(study_id)
        except KeyError:
            return reason("404 Not Found", f"study_id={study_id} is not found")
        return _json(study.whole(name, trials, after, attrs), LOOKED_AT_AGAIN)

    def _known(self, study_id: int) -> StudyJson | None:
        """What is kept of a study; None where a3b-tune did not make it.

        :raises KeyError: there is none.
        """
        attrs = self._storage.get_study_user_attrs(study_id)
        with self._lock:
            study = self._studies.get(study_id)
            if study is None or not study.says_the_same(attrs):
                study = _made(study_id, attrs)
            if study is not None:
                self._studies[study_id] = study
            return study

    def _artifact(self, method: str, study_id: int, trial_id: int, name: str) -> Answer | None:
        """A trial's curves, which no store holds."""
        if name != fragments.curve_id(trial_id):
            return None
        if method not in ("GET", "HEAD"):
            return reason("409 Conflict", "drawn from what the trial has stored: it stays")
        try:
            study = self._known(study_id)
            trials = self._storage.trials(study_id) if study else []
        except KeyError:
            study, trials = None, []
        if study is None or not any(trial._trial_id == trial_id for trial in trials):
            return text("404 Not Found", "no such curves")
        trial = self._storage.get_trial(trial_id)
        if not epochs(trial):
            return text("404 Not Found", "no such curves")
        title = f"{study.file.study.name}, trial {trial.number}"
        png = self._pictures.of(trial, title, study.measure)
        return Answer("200 OK", (("Content-Type", "image/png"),), png)

    def _csv(self, study_id: int, environ: "WSGIEnvironment") -> Answer | None:
        """The table that `a3b-tune export` makes, of all trials or of those that are chosen."""
        try:
            study = self._known(study_id)
            name = self._storage.get_study_name_from_id(study_id)
        except KeyError:
            return text("404 Not Found", "no such study")
        if study is None:
            return None
        overview = study_overview(open_study(self._storage.reader, name))
        chosen = parse_qs(environ.get("QUERY_STRING", "")).get("trial_ids", [""])[0]
        if chosen:
            numbers = set(chosen.split(","))
            kept = [row for row in overview.trials if str(row.number) in numbers]
            overview = replace(overview, trials=kept)
        table = io.BytesIO()
        export(overview, "csv", table)
        file = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
        as_file = ("Content-Disposition", f'attachment; filename="{file}.csv"')
        return Answer(
            "200 OK", (("Content-Type", "text/csv; charset=utf-8"), as_file), table.getvalue()
        )

    def _rename(self, study_id: int) -> Answer | None:
        """optuna-dashboard copies a study trial by trial and deletes it: workers would lose it, and
        it would not be the study of its file any more."""
        with suppress(KeyError):
            if records.STUDY_FILE in self._storage.get_study_user_attrs(study_id):
                return reason("409 Conflict", "a study of a3b-tune keeps its name")
        return None


def _made(study_id: int, attrs: Mapping[str, Any]) -> StudyJson | None:
    if attrs.get(records.STUDY_FORMAT) != records.FORMAT:
        return None
    try:
        return StudyJson(study_id, attrs)
    except (InputError, KeyError):
        return None


def _told(attrs: Mapping[str, Any]) -> Mapping[str, Any]:
    if attrs.get(records.STUDY_FORMAT) != records.FORMAT:
        return attrs
    try:
        return study_attrs(attrs)
    except (InputError, KeyError):
        return attrs


def _after(environ: "WSGIEnvironment") -> int | None:
    """The number of the first trial that a page has not, or that may have changed."""
    text = parse_qs(environ.get("QUERY_STRING", "")).get("after", ["0"])[0]
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _json(body: bytes, *headers: tuple[str, str]) -> Answer:
    return Answer("200 OK", (("Content-Type", "application/json"), *headers), body)
