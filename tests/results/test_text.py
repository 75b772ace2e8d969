"""What came out of a study of text: fewer bits are better, and the floor says how few may be."""

import csv
import io
import json
import random

import pytest

from a3b_tune.results.export import write_csv, write_json
from a3b_tune.results.importances import importances
from a3b_tune.results.listing import study_lines
from a3b_tune.results.overview import NOTHING_LEFT, study_overview
from a3b_tune.results.trials import ranked, rows
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import BITS
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.studies import begin_or_go_on
from tests.results import building
from tests.tuning.conftest import TEXT_FILE, short_text

SCORES = {"bits_error": 0.02, "excess": 0.1}


def begun(url, *changes, known=True):
    from a3b_tune.study import loads, override

    file = override(loads(TEXT_FILE, "letters.toml"), changes)
    return begin_or_go_on(open_storage(url, create=True), file, short_text(known=known))


def tell(trial, bits, ending="complete", **final):
    """A trial's bits by evaluation, with its other scores; `final` are of the last one."""
    for number, value in enumerate(bits, 1):
        record = building.epoch(number, value)
        del record["accuracy"]
        more = final if number == len(bits) else {}
        sample = {"sample": f"text {number}", "looks": [[number, 1.0, 0.5, 0.1]]}
        trial.report(value, {**record, "bits": value, **SCORES, **more, **sample})
    building.tell(trial, [], ending)


def told(url, *outcomes, known=True, **final):
    stored = begun(url, known=known)
    for bits, ending in outcomes:
        tell(ask(stored, 10_000, building.ABOUT), bits, ending, **final)
    return stored


@pytest.fixture
def letters(url):
    return told(
        url,
        ([2.0, 1.5, 1.6], "complete"),
        ([2.5], "pruned: behind at step 10"),
        ([], "pruned: diverged: mean loss nan by step 3"),
        ([1.9, 1.5], "complete"),
        ([1.4], "pruned: behind at step 10"),
        ([2.0, 1.7, 1.45], "complete"),
    )


def test_a_value_is_the_fewest_bits_and_the_best_is_the_one_with_the_fewest(letters):
    found = rows(letters.study)
    assert [(row.value, row.best_epoch) for row in found] == [
        (1.5, 2), (2.5, 1), (None, None), (1.5, 2), (1.4, 1), (1.45, 3),
    ]  # fmt: skip
    assert [row.number for row in ranked(found, BITS)] == [5, 0, 3]
    assert study_overview(letters).best.number == letters.study.best_trial.number == 5


def test_scores_of_a_row_are_those_of_its_last_epoch(url):
    stored = told(url, ([2.0, 1.5], "complete"), final_bits=1.51)
    (row,) = rows(stored.study)
    assert row.scores == {**SCORES, "final_bits": 1.51}
    assert json.loads(json.dumps(row.to_json()))["scores"] == dict(row.scores)


@pytest.mark.parametrize(
    ("scores", "standing"),
    [
        ({"excess": NOTHING_LEFT}, "at"),
        ({"excess": -0.002}, "at"),
        ({"excess": 0.02}, "above"),
        ({"excess": 0.001, "final_excess": 0.02}, "above"),
        ({"excess": 0.02, "final_excess": 0.009}, "at"),
    ],
)
def test_nothing_is_left_to_gain_where_the_excess_is_next_to_nothing(url, scores, standing):
    overview = study_overview(told(url, ([0.6], "complete"), **scores))
    assert overview.standing == standing
    assert overview.excess == scores.get("final_excess", scores["excess"])
    assert (overview.floor.value, overview.ceiling) == (0.548, None)
    said = json.loads(json.dumps(overview.to_json(), allow_nan=False))
    assert (said["floor"]["value"], said["metric"], said["excess"]) == (
        0.548, "bits", overview.excess,
    )  # fmt: skip


def test_without_a_known_source_nothing_is_said(url):
    stored = begun(url, known=False)
    trial = ask(stored, 1, building.ABOUT)
    trial.report(1.5, {**building.epoch(1, 0.0), "bits": 1.5})
    building.tell(trial, [], "complete")
    overview = study_overview(stored)
    assert (overview.floor, overview.standing, overview.excess) == (None, None, None)


def test_a_line_of_a_study_has_its_fewest_bits(letters, url):
    building.told(url, [([0.5, 0.75], "complete"), ([0.6], "complete")])
    lines = {line.name: line for line in study_lines(letters.storage)}
    assert (lines["letters"].best, lines["letters"].metric) == (1.45, "bits")
    assert (lines["letters"].floor, lines["letters"].ceiling) == (0.548, None)
    assert (lines["small"].best, lines["small"].metric, lines["small"].floor) == (
        0.75, "accuracy", None,
    )  # fmt: skip


def table(stored):
    stream = io.BytesIO()
    write_csv(study_overview(stored), stream)
    return list(csv.DictReader(io.StringIO(stream.getvalue().decode())))


def test_a_table_names_the_metric_and_has_the_scores(letters):
    found = table(letters)
    assert found[0]["bits"] == "2.0 1.5 1.6"
    assert found[0]["scores.excess"] == "0.1"
    assert found[2]["bits"] == found[2]["scores.excess"] == ""
    assert not any("accurac" in name for name in found[0])


def test_an_export_in_json_has_samples_and_looks(letters):
    stream = io.BytesIO()
    write_json(study_overview(letters), stream)
    first = json.loads(stream.getvalue())["trials"][0]
    assert [epoch["sample"] for epoch in first["epochs"]] == ["text 1", "text 2", "text 3"]
    assert first["epochs"][0]["looks"] == [[1, 1.0, 0.5, 0.1]]


def test_parquet_keeps_samples_as_text_and_looks_as_lists(letters):
    parquet = pytest.importorskip("pyarrow.parquet")
    from a3b_tune.results.parquet import write_parquet

    stream = io.BytesIO()
    write_parquet(study_overview(letters), stream)
    first = parquet.read_table(io.BytesIO(stream.getvalue())).to_pylist()[0]
    assert (first["value"], first["scores.bits_error"]) == (1.5, 0.02)
    assert [epoch["bits"] for epoch in first["epochs"]] == [2.0, 1.5, 1.6]
    assert first["epochs"][2]["sample"] == "text 3"
    assert first["epochs"][2]["looks"] == [[3.0, 1.0, 0.5, 0.1]]


def test_the_setting_that_brings_fewer_bits_is_the_one_that_decided(url):
    noise, stored = random.Random(1), begun(url, "model.tied=true|false", "study.trials=40")
    for _ in range(40):
        trial = ask(stored, 40, building.ABOUT)
        bits = (1.0 if trial.params["model.tied"] else 2.0) + noise.uniform(0, 0.1)
        good = trial.params["model.tied"]
        tell(trial, [bits] if good else [], "complete" if good else "pruned: diverged")
    found = importances(stored)
    assert found.reason is None
    assert next(iter(found.shares)) == "model.tied"
    assert found.shares["model.tied"] > 0.5


def test_where_all_bits_are_equal_that_is_said_in_bits(url):
    found = importances(told(url, *[([1.5], "complete")] * 12))
    assert found.reason == "all 12 trials reached the same bits, 1.5"
