import json
from dataclasses import replace

import psutil
import pytest

from a3b_tune.results.overview import Ceiling, study_overview
from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning import records
from a3b_tune.tuning.studies import open_study
from tests.results import building


def test_counts_cover_every_trial_and_ended_are_those_that_will_not_change(mixed):
    overview = study_overview(mixed)
    assert overview.counts == {
        "complete": 2, "pruned": 3, "failed": 1, "running": 1, "waiting": 0,
    }  # fmt: skip
    assert (overview.ended, overview.asked, len(overview.trials)) == (6, 12, 7)


def test_asked_is_never_less_than_what_is_there(url):
    stored = building.told(url, [([0.5], "complete")] * 3, "study.trials=1")
    assert study_overview(stored).asked == 3


def test_reasons_are_grouped_and_name_their_trials(mixed):
    reasons = {(each.state, each.text): each.numbers for each in study_overview(mixed).reasons}
    assert reasons == {
        ("pruned", "behind"): (1, 5),
        ("pruned", "diverged"): (2,),
        ("failed", "error: RuntimeError: no luck"): (3,),
    }


def test_time_by_part_is_the_sum_over_trials(mixed):
    overview = study_overview(mixed)
    epochs = sum(len(row.epochs) for row in overview.trials)
    assert overview.seconds["training"] == pytest.approx(2.0 * epochs)
    assert overview.seconds["evaluation"] == pytest.approx(0.5 * epochs)
    shares = overview.shares()
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares)[:2] == ["training", "evaluation"]


def test_a_real_study_stands_at_its_ceiling_and_says_why(small):
    overview = study_overview(small)
    assert overview.ceiling.value == 1.0
    assert overview.ceiling.why
    assert overview.best.value == 1.0
    assert overview.standing == "at"


@pytest.mark.parametrize(
    ("ceiling", "standing"),
    [(0.75, "at"), (0.75 + 1e-12, "at"), (0.751, "below"), (0.749, "above"), (0.5, "above")],
)
def test_the_best_trial_against_the_ceiling(mixed, ceiling, standing):
    overview = replace(study_overview(mixed), ceiling=Ceiling(ceiling, "all", "because"))
    assert overview.standing == standing


def test_a_lucky_model_within_the_margin_is_at_the_ceiling(mixed):
    overview = study_overview(mixed)
    assert replace(overview, ceiling=Ceiling(0.749, "x", "y", 0.002)).standing == "at"
    assert replace(overview, ceiling=Ceiling(0.749, "x", "y", 0.0005)).standing == "above"
    assert replace(overview, ceiling=Ceiling(0.751, "x", "y", 0.002)).standing == "below"


def test_without_a_ceiling_or_a_trial_nothing_is_said(mixed, url):
    assert replace(study_overview(mixed), ceiling=None).standing is None
    empty = study_overview(building.begun(url))
    assert (empty.best, empty.standing, empty.started, empty.shares()) == (None, None, None, {})


def test_repeats_and_lost_trials_are_named(url):
    stored = building.told(url, [([0.5], "complete"), ([0.6], "running: ")])
    first, second = stored.study.trials
    record = {**first.user_attrs[records.RECORD], "repeats": 7}
    stored.storage.set_trial_user_attr(second._trial_id, records.RECORD, record)
    gone = {**records.this_worker().to_json(), "pid": max(psutil.pids()) + 100_000}
    stored.storage.set_trial_user_attr(second._trial_id, records.WORKER, gone)
    overview = study_overview(open_study(open_storage(url), "small"))
    assert overview.repeats == {1: 7}
    assert overview.lost == [1]


def test_the_overview_is_json_without_curves(mixed):
    told = json.loads(json.dumps(study_overview(mixed).to_json(top=1), allow_nan=False))
    assert [row["number"] for row in told["best"]] == [4]
    assert "epochs" not in told["best"][0]
    assert told["searched"]["model.pool"] == "mean|max|select"
    assert told["standing"] == "below"
    assert told["counts"]["pruned"] == 3
