import json
import re
from dataclasses import replace

import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.comparing import compare
from a3b_tune.results.overview import study_overview
from a3b_tune.results.report.blocks import Number, Paragraph, Table
from a3b_tune.results.report.comparison import comparison_report
from a3b_tune.results.report.text import told as read
from a3b_tune.study import override
from tests.results import building
from tests.results.quickly import few_rows, told_quickly

GOOD = [([0.5, 0.7, 0.9], "complete"), ([0.6, 0.8], "pruned: behind at epoch 2")] * 6
BAD = [([0.5], "complete"), ([], "failed: error: RuntimeError: no luck")] * 2


@pytest.fixture(scope="module", autouse=True)
def loaded_once():
    with told_quickly():
        yield


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    url = building.url_in(tmp_path_factory.mktemp("compared"))
    good = building.told(url, GOOD, "study.name=good")
    bad = building.told(url, BAD, "study.name=bad")
    return [study_overview(good), study_overview(bad)]


@pytest.fixture(scope="module")
def found(studies):
    return compare(studies)


def level(found, measure, study):
    equal = next(equal for equal in found.equals if equal.measure == measure)
    return equal, next(level for level in equal.levels if level.study == study)


def test_all_get_as_much_as_the_one_that_had_least(found):
    # 4 trials; an epoch in two of them; 2.5 seconds for each epoch and what storing took.
    assert [equal.measure for equal in found.equals] == ["trials", "epochs", "seconds"]
    assert [equal.budget for equal in found.equals][:2] == [4.0, 2.0]
    assert found.equals[2].budget == pytest.approx(5.0, abs=0.5)


def test_what_the_study_had_found_by_then(found):
    _, own = level(found, "trials", "good")
    assert (own.ran, own.trial, own.trials) == (0.9, 0, 4.0)
    # Three epochs are more than two, so no trial had ended.
    _, own = level(found, "epochs", "good")
    assert (own.ran, own.trial) == (None, None)


def test_the_better_study_is_first(found):
    for equal in found.equals:
        assert equal.winner.study == "good"
        assert sum(each.first for each in equal.levels) == pytest.approx(1.0)
        assert all(each.low <= each.best <= each.high + 1e-9 for each in equal.levels)


def test_a_stopped_trial_counts_with_what_it_had_and_a_failed_one_as_a_guess(found):
    # Half of the trials each: 0.9 and 0.8, best of 4; of the other 0.5 and guessing, 0.5.
    _, own = level(found, "trials", "good")
    assert own.best == pytest.approx(0.9 - 0.1 * 0.5**4)
    _, own = level(found, "trials", "bad")
    assert (own.best, own.low, own.high) == (0.5, 0.5, 0.5)


def test_a_study_is_not_ahead_of_its_twin(studies):
    """The same trials under another name: their draws are their own, so neither is surely best."""
    twin = replace(studies[0], file=override(studies[0].file, ["study.name=twin"]))
    for equal in compare([studies[0], twin]).equals:
        assert equal.levels[0].best == equal.levels[1].best
        assert all(0.3 < level.first < 0.7 for level in equal.levels)


def test_no_number_of_the_report_is_without_a_source(found):
    report = comparison_report(found, "{:.4f}".format)
    blocks = [block for section in report.walk() for block in section.blocks]
    parts = [part for b in blocks if isinstance(b, Paragraph) for part in b.parts]
    parts += [p for b in blocks if isinstance(b, Table) for r in b.rows for c in r for p in c]
    assert all(part.source for part in parts if isinstance(part, Number))
    assert not [part for part in parts if isinstance(part, str) and re.search(r"\d", part)]


def test_curves_go_from_one_trial_to_all(found):
    line = next(line for line in found.lines if (line.study, line.measure) == ("good", "epochs"))
    assert (line.budgets[0], line.budgets[-1]) == pytest.approx((2.5, 30.0))
    assert list(line.best) == sorted(line.best)


def test_few_trials_are_warned_of(found):
    (warning,) = found.warnings
    assert warning == "fewer than 10 trials have ended in bad: believe no interval"


def test_as_json_it_holds_everything(found):
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert [study["name"] for study in told["studies"]] == ["good", "bad"]
    assert told["studies"][0]["best"] == {"trial": 0, "value": 0.9}
    assert [equal["winner"] for equal in told["equal"]] == ["good"] * 3
    assert len(told["curves"]) == 6


def test_the_report_says_what_was_found(found):
    report = comparison_report(found, lambda value: "-" if value is None else f"{value:.4f}")
    assert [section.anchor for section in report.sections] == ["found", "curves", "settings"]
    blocks = report.sections[0].blocks
    answers = [read(b.parts) for b in blocks if isinstance(b, Paragraph) and b.kind == "answer"]
    assert answers[0].startswith("For 4 trials each good is ahead: 0.8938 on average, bad 0.5000")
    (settings,) = report.sections[2].blocks
    assert isinstance(settings, Table)
    assert ["model.pool" in read(row[0]) for row in settings.rows].count(True) == 1
    plots = report.sections[1].blocks[0].panels
    assert [plot.x_label for plot in plots] == ["trials", "epochs", "work (s)"]


@pytest.mark.parametrize(
    ("outcomes", "changes", "text"),
    [
        (GOOD[:1], (), "only one trial that has ended; compare needs 2"),
        (
            GOOD[:2],
            ("data.seed=1",),
            "its data is xor of another seed or split, not the same as xor",
        ),
    ],
)
def test_studies_that_are_not_alike_are_refused(url, studies, outcomes, changes, text):
    rows = few_rows()
    if changes:
        rows = replace(rows, class_names=("no", "yes"))
    with told_quickly(rows):
        other = study_overview(building.told(url, outcomes, "study.name=other", *changes))
    with pytest.raises(InputError, match=text):
        compare([studies[0], other])


def test_one_study_is_not_compared_with_itself(studies):
    with pytest.raises(InputError, match="compare good: this study is named twice"):
        compare([studies[0], studies[0]])
    with pytest.raises(InputError, match="with what"):
        compare(studies[:1])
