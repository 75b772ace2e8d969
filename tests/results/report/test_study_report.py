"""What a report says of a study: every number of it is followed to where it was measured."""

import re
from functools import cache

import pytest

from a3b_tune.results.overview import study_overview
from a3b_tune.results.report.blocks import Code, Plot, Plots, Report
from a3b_tune.results.report.study_report import SECTIONS, study_report
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import loads
from a3b_tune.tuning import notes
from a3b_tune.tuning.studies import StoredStudy, open_study
from tests.cli import letters
from tests.results import building
from tests.results.report.tracing import DIGITS, Traces, numbers, quotes, texts

RACE = {
    "kind": "race", "metric": "accuracy", "searched": 4, "optimism": 0.01, "racing": True,
    "seeds": [11, 12, 13], "when": "2026-11-20T10:00:00+00:00", "seconds": 9.0, "against": None,
    "rows": [
        {"trial": 0, "seeds": 3, "mean": 0.74, "half": 0.0123, "last": 0.7, "probability": 0.8,
         "said": 0.75, "optimism": 0.01, "values": [0.74, 0.73, 0.75], "dropped": None,
         "faults": [[12, "diverged: mean loss nan"]]},
        {"trial": 4, "seeds": 2, "mean": 0.70, "half": None, "last": 0.7, "probability": 0.005,
         "said": 0.75, "optimism": 0.05, "values": [0.7, 0.7], "dropped": 2, "faults": []},
    ],
}  # fmt: skip
TEST = {"when": "2026-11-21T10:00:00+00:00", "trial": 0, "metric": "accuracy", "value": 0.7421,
        "half": 0.002, "seeds": {"21": 0.74, "22": 0.7442}, "data_hash": "0"}  # fmt: skip


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory) -> StoredStudy:
    """Trials of all states, raced on fresh seeds and scored on the test split since."""
    url = building.url_in(tmp_path_factory.mktemp("confirmed"))
    stored = building.told(url, building.MIXED)
    notes.note_confirmation(stored, RACE)
    notes.note_test(stored, TEST)
    return open_study(open_storage(url), "small")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> StoredStudy:
    """A study on text."""
    url = building.url_in(tmp_path_factory.mktemp("letters"))
    letters.told(url, letters.MIXED)
    return open_study(open_storage(url), "letters")


@pytest.fixture(params=["small", "decided", "confirmed", "written"])
def stored(request) -> StoredStudy:
    return request.getfixturevalue(request.param)


def made(stored: StoredStudy) -> Report:
    return made_of(stored.storage.url, stored.file.study.name)


@cache
def made_of(url: str, name: str) -> Report:
    """Once of each study: they do not change."""
    return study_report([study_overview(open_study(open_storage(url), name))])


def plots(report: Report) -> list[Plot]:
    found = [block for section in report.walk() for block in section.blocks]
    return [plot for block in found if isinstance(block, Plots) for plot in block.panels]


def test_every_number_stands_where_its_source_says(stored):
    traces, found = Traces(stored), numbers(made(stored))
    assert len(found) > 40
    for number in found:
        if number.source.startswith("method: ") or "importances.reason" in number.source:
            continue
        assert number.value == pytest.approx(traces.value(number), rel=1e-9), number


def test_what_is_shown_is_the_number_to_its_last_digit(stored):
    for number in numbers(made(stored)):
        plain = re.fullmatch(r"([-+]?[\d ]+(?:\.(\d+))?)( %)?", number.shown)
        if plain:
            value = number.value * (100 if plain[3] else 1)
            told = float(plain[1].replace(" ", ""))
            # An accuracy that is not 1 is never rounded up to it.
            assert abs(told - value) <= 1.01 * 10 ** -len(plain[2] or ""), number


def test_text_between_numbers_has_no_digit_of_its_own(stored):
    quoted = sorted(quotes(stored), key=len, reverse=True)
    for text in texts(made(stored)):
        if isinstance(text, str):
            left = text
            for quote in quoted:
                left = left.replace(quote, "")
            assert DIGITS.search(left) is None, text


def test_plots_show_what_trials_measured(stored):
    trials = stored.study.trials
    values = {value for trial in trials for value in trial.intermediate_values.values()}
    titles = {plot.title: plot for plot in plots(made(stored))}
    for title in ("By number", "Learning curves", "optimizer.lr"):
        for series in titles[title].series:
            assert set(series.ys) <= values
    best = {
        trial.number: stored.file.metric.best(trial.intermediate_values.values())
        for trial in trials
        if trial.intermediate_values
    }
    marks = [one for one in titles["By number"].series if one.kind == "points"]
    assert {x: y for one in marks for x, y in zip(one.xs, one.ys, strict=True)} == best
    for plot in titles.values():
        assert plot.x_label
        assert plot.y_label
        assert plot.source
        assert DIGITS.search(plot.alt.replace(plot.title, "")) is None


def test_the_study_file_in_it_is_the_study(stored):
    (code,) = [
        block
        for section in made(stored).walk()
        for block in section.blocks
        if isinstance(block, Code) and block.language == "toml"
    ]
    assert loads(code.text, "report") == stored.file


def test_sections_are_all_there_in_order_with_anchors_of_their_own(mixed):
    one, two = study_overview(mixed), study_overview(mixed)
    report = study_report([one, two], "Both")
    anchors = [section.anchor for section in report.walk()]
    assert len(set(anchors)) == len(anchors)
    headings = [section.heading for section in report.sections[1].sections]
    wanted = [heading for key, heading, _ in SECTIONS if key != "samples"]
    assert headings == [*wanted, "To get it again"]
    assert [section.heading for section in report.sections] == [
        "The studies", "Study small", "Study small",
    ]  # fmt: skip


def said(report: Report) -> str:
    return "".join(part if isinstance(part, str) else part.shown for part in texts(report))


def test_the_answer_is_one_plain_sentence(mixed, written, confirmed):
    assert (
        "The best of 2 complete trials has 0.75 validation accuracy: trial 4, epoch 1 of 3, as "
        "good as 1 other that took no fewer epochs." in said(made(mixed))
    )
    assert "That is 0.25 below the ceiling of 1.0: " in said(made(mixed))
    assert "0.5625 validation bits per token: trial 3, step 30 of 30" in said(made(written))
    assert "it is 0.0083 bits above the ideal predictor: nothing is left" in said(made(written))
    assert "Trained again on 3 fresh seeds" in said(made(confirmed))
    assert "search's own best is another trial." in said(made(confirmed))
    assert "0.74210 ± 0.0020" in said(made(confirmed))


def test_a_study_that_goes_on_says_so_first(mixed, small):
    assert "This study is not finished: 6 of 12 trials have ended, 1 running." in said(made(mixed))
    assert "not finished" not in said(made(small))


def test_a_study_with_one_trial_has_a_report(url):
    report = made(building.told(url, [([0.5], "complete")]))
    assert "The best of 1 complete trial has 0.5 validation accuracy" in said(report)
    assert "1 trial has ended; it takes" not in said(report)
    assert [series.name for series in plots(report)[0].series] == ["best so far", "complete"]


def test_a_study_whose_trials_have_only_begun_says_that_nothing_is_known(url):
    text = said(made(building.told(url, [([], "running: ")])))
    for part in (
        "No trial has ended: 0 trials ended of 12",
        "No trial has a value yet",
        "No trial has ended an epoch yet",
        "1 running of 12 trials asked for",
    ):
        assert part in text


def test_a_text_study_shows_what_it_wrote_as_its_bits_fell(written):
    codes = [
        block.text
        for section in made(written).walk()
        if section.heading == "What it writes"
        for block in section.blocks
        if isinstance(block, Code)
    ]
    epochs = written.study.trials[3].user_attrs["a3b:epochs"]
    assert codes == [epoch["sample"] for epoch in epochs]
