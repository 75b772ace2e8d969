"""The command `confirm` from a study that was really trained to its verdict."""

import dataclasses
import json
import os
import re
import signal
import sqlite3
from contextlib import closing
from functools import cache

import pytest

from a3b_tune.cli import confirm_display, confirming
from a3b_tune.cli.app import run
from a3b_tune.data.load import load
from a3b_tune.finals import confirming as finals_confirming
from a3b_tune.finals import race, retraining
from a3b_tune.finals.retraining import Retraining
from a3b_tune.storage.opening import open_storage
from a3b_tune.training import Prepared
from a3b_tune.training.prepared import load_dataset
from a3b_tune.tuning import notes
from a3b_tune.tuning.studies import open_study
from tests.commands import answered, refused
from tests.results import building

SHORT = ("--workers", "1", "--top", "2", "--seeds", "2")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A database with a study of four trials that were trained; never written by a test."""
    folder = tmp_path_factory.mktemp("trained")
    building.trained(building.url_in(folder), 4)
    return folder / "studies.db"


@cache
def load_once(section, data_dir):
    return load_dataset(section, data_dir)


XOR = cache(load)
PREPARED = {}


def prepared_once(dataset, *how):
    return PREPARED.setdefault(dataset.data_hash, Prepared(dataset, *how))


@pytest.fixture(autouse=True)
def here(trained, tmp_path, monkeypatch):
    """A copy of it is the storage of this folder. Data is made and prepared once for all."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    with closing(sqlite3.connect(trained)) as source, closing(sqlite3.connect("a3b-tune.db")) as to:
        source.backup(to)
    monkeypatch.setattr(retraining.StackSizes, "size", lambda sizes, shape, most: most)
    monkeypatch.setattr(retraining, "load_dataset", load_once)
    monkeypatch.setattr(retraining, "Prepared", prepared_once)
    monkeypatch.setattr(building, "load", XOR)
    return tmp_path


def stored(name="small"):
    return open_study(open_storage(None), name)


def as_json(capsys, *words):
    assert run(["confirm", *SHORT, "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def runs():
    """Every run that is kept, in the order in which they ended."""
    kept = [note for note in notes.confirmations(stored()) if note["kind"] == notes.RUNS]
    return [run for note in kept for run in note["runs"]]


def test_settings_are_confirmed_and_the_screen_tells_it(capsys):
    out = answered(capsys, "confirm", *SHORT)
    assert "2 settings to 2 seeds: 4 runs" in out
    for text in (
        "confirmed on 2 fresh seeds",
        "P(best)",
        "the search said",
        "too",
        "their settings",
    ):
        assert text.lower() in out.lower()
    assert len(runs()) == 4


def test_what_is_told_is_what_is_kept(capsys):
    told = as_json(capsys)
    assert told["study"] == "small"
    kept = runs()
    assert {run["seed"] for run in kept} == set(told["seeds"])
    for row in told["rows"]:
        values = [run["value"] for run in kept if run["trial"] == row["trial"]]
        assert sorted(values) == sorted(row["values"])
        assert row["mean"] == pytest.approx(sum(values) / 2)
        assert row["said"] == stored().study.trials[row["trial"]].value
    assert told["winner"] == told["rows"][0]["trial"]
    assert notes.last_race(stored().study.user_attrs)["winner"] == told["winner"]


def test_no_seed_is_one_of_the_search_s(capsys):
    searched = {trial.user_attrs["a3b:record"]["seed"] for trial in stored().study.trials}
    assert not searched & set(as_json(capsys)["seeds"])


def test_again_only_what_is_new_is_trained(capsys, monkeypatch):
    first = as_json(capsys)
    more = as_json(capsys, "--seeds", "3")
    assert len(runs()) == 6
    assert more["seeds"][:2] == first["seeds"]
    as_json(capsys, "--again")
    assert len(runs()) == 10


def test_a_stop_keeps_what_has_ended(capsys, monkeypatch):
    """Ctrl-C after the first stack; the same command then goes on."""
    whole = Retraining._epoch
    monkeypatch.setattr(retraining.StackSizes, "size", lambda sizes, shape, most: 1)

    def epoch(retrain, learner, running, prepared):
        ended, moved = whole(retrain, learner, running, prepared)
        if ended and not runs():
            os.kill(os.getpid(), signal.SIGINT)
        return ended, moved

    monkeypatch.setattr(Retraining, "_epoch", epoch)
    assert run(["confirm", *SHORT]) == 130
    out, err = capsys.readouterr()
    assert err == ""
    assert "stopped by Ctrl-C; what was measured is kept" in out
    kept = len(runs())
    assert 1 <= kept < 4
    assert f"2 settings to 2 seeds: {4 - kept} run" in answered(capsys, "confirm", *SHORT)


@pytest.mark.parametrize(("worth", "rounds"), [(0.0, ["4", "6", "8"]), (1e9, ["4", "8"])])
def test_who_is_behind_is_looked_at_as_long_as_that_saves_time(capsys, monkeypatch, worth, rounds):
    monkeypatch.setattr(finals_confirming, "WORTH", worth)
    monkeypatch.setattr(race, "behind", lambda blocks, level: set())
    out = answered(capsys, "confirm", "--workers", "1", "--top", "2", "--seeds", "8")
    assert re.findall(r"settings to (\d+) seeds", out) == rounds


def test_two_studies_are_compared_on_the_same_seeds(capsys, here):
    building.told(f"sqlite:///{here}/a3b-tune.db", [([0.5], "complete")] * 2, "study.name=other")
    told = as_json(capsys, "small", "--against", "other")
    assert told["seeds"] == told["other"]["seeds"]
    assert told["against"]["seeds"] == 2
    pairs = zip(told["rows"][0]["values"], told["other"]["rows"][0]["values"], strict=True)
    difference = sum(one - other for one, other in pairs) / 2
    assert told["against"]["mean"] == pytest.approx(difference)
    assert re.search(r"beats|told apart", told["against"]["sentence"])


def test_show_tells_the_confirmation(capsys):
    assert "a3b-tune confirm small" in answered(capsys, "show")
    told = as_json(capsys)
    out = answered(capsys, "show")
    assert "small, confirmed on 2 fresh seeds" in out
    assert "a3b-tune confirm" not in out
    shown = json.loads(answered(capsys, "show", "--json"))["confirmation"]
    assert shown["winner"] == told["winner"]
    assert [row["values"] for row in shown["rows"]] == [row["values"] for row in told["rows"]]


def test_a_picture_is_drawn(capsys, here):
    pytest.importorskip("matplotlib", reason="matplotlib is an extra: dashboard")
    assert "picture in plot.png" in answered(capsys, "confirm", *SHORT, "--plot", "plot.png")
    assert (here / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--top", "0"], "--top 0: must be at least 1"),
        (["--seeds", "1"], "--seeds 1: must be at least 2"),
        (["smal"], "unknown study 'smal'; did you mean 'small'?"),
        (["small", "--against", "small"], "--against small: this is the same study"),
        (["small", "--against", "few"], "'few' in sqlite:///a3b-tune.db has only one complete"),
        (["small", "--against", "halves"], "which has other data or another split of it"),
        (["small", "--plot", "plot.pdf"], "--plot plot.pdf: the picture is a PNG"),
        (["small", "--plot", "nowhere/plot.png"], "no folder"),
        (["small", "--precision", "half"], "--precision: unknown precision 'half'"),
        (["small", "--workers", "0"], "--workers: '0' is neither auto nor"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_kept(capsys, here, words, told):
    url = f"sqlite:///{here}/a3b-tune.db"
    if "few" in words:
        building.told(url, [([0.5], "complete")], "study.name=few")
    if "halves" in words:
        building.told(url, building.MIXED, "study.name=halves", "data.rows=1000")
    assert told in refused(capsys, "confirm", *words)
    assert not notes.confirmations(stored())


def test_the_database_s_data_must_be_the_study_s(capsys, monkeypatch):
    def other(section, data_dir):
        return load_dataset(section.model_copy(update={"rows": 500}), data_dir)

    monkeypatch.setattr(retraining, "load_dataset", other)
    assert run(["confirm", *SHORT]) == 2
    assert "began with other data (see --data-dir)" in capsys.readouterr().err


def test_where_nothing_is_painted_a_line_tells_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(confirm_display, "PLAIN_INTERVAL", 0.0)
    assert "of their epochs" in answered(capsys, "confirm", *SHORT)


def test_a_trial_that_its_time_ended_is_confirmed_for_as_long_as_it_came():
    found = confirming._found(stored().storage, "small", 1)
    row, whole = found.best[0], found.entry.contestants[0].rounds
    assert whole == 3
    timed = dataclasses.replace(row, reason="max time", epochs=row.epochs[:2])
    assert confirming._contestant(stored(), timed).rounds == 2
