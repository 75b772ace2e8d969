import io
from dataclasses import replace

import pytest
from rich.console import Console

from a3b_tune.cli.present import print_study
from a3b_tune.results.importances import Importances
from a3b_tune.results.overview import Ceiling, study_overview
from a3b_tune.results.work import Work
from tests.results import building


@pytest.fixture(scope="module")
def overview(tmp_path_factory):
    url = building.url_in(tmp_path_factory.mktemp("present"))
    return study_overview(building.told(url, building.MIXED))


def shown(overview, width=80, **options) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_study(console, overview, **options)
    return console.file.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


def test_everything_that_matters_is_said(overview):
    text = flat(shown(overview))
    for part in (
        "small Which pool does the baseline need?",
        "6 of 12 done: 2 complete, 3 pruned, 1 failed, 1 running",
        "pruned: 2 behind, 1 diverged",
        "failed: error: RuntimeError: no luck (trial 3)",
        "xor: 2 000 training, 25 000 validation rows; vocabulary 6; classes positive, negative",
        "fixed data rows 2000; model baseline; optimizer adam,",
        "Best: 0.75 validation accuracy, trial 4, epoch 1 of 3",
        "1 other trial reached it too",
        "0.25 below the ceiling of 1.0: ",
        "from mean|max|select",
        "Top 2 of 2 complete",
        "What decided: cannot be said, 5 trials have ended; it takes at least 10",
        f"kept in {overview.storage}",
        "a3b-tune show small --trial 4",
        "a3b-tune export small --out small.csv",
    ):
        assert part in text


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_it_fits_every_width_and_is_plain_where_there_is_no_terminal(overview, width):
    text = shown(overview, width)
    told = [line for line in text.splitlines() if "a3b-tune " not in line and "kept in" not in line]
    assert max(map(len, told)) <= width
    assert "\x1b" not in text
    assert "…" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize(
    ("ceiling", "text"),
    [
        (Ceiling(0.75, "k", "reason"), "0.75 is the ceiling: reason"),
        (Ceiling(0.74, "k", "reason", 0.02), "0.74 is the ceiling, give or take 0.02000: reason"),
        (Ceiling(0.7522, "k", "reason"), "0.0022 below the ceiling of 0.7522: reason"),
        (Ceiling(0.7, "k", "reason"), "0.05 above the ceiling of 0.7: theory and measurement"),
    ],
)
def test_the_best_trial_is_set_against_the_ceiling(overview, ceiling, text):
    assert text in flat(shown(replace(overview, ceiling=ceiling)))


def test_the_workers_account_says_how_fast_it_went_and_how_full_the_stacks_were(overview):
    seconds = {"training": 60.0, "evaluation": 10.0, "sampling": 3.0, "storage": 7.0, "rest": 20.0}
    work = Work(2, 50.0, 200, seconds, 1600.0, 1500.0)
    text = flat(shown(replace(overview, work=work)))
    told = "training 60%, evaluation 10%, sampling 3%, storage 7%, rest 20%; begun "
    assert f"time 50 s by 2 processes: {told}" in text
    assert "speed 4 trials per second; 94% of the stacks' slots busy" in text
    assert "speed" not in shown(replace(overview, work=None))


def test_without_a_ceiling_none_is_mentioned(overview):
    assert "ceiling" not in shown(replace(overview, ceiling=None))


def test_a_study_without_a_complete_trial_shows_what_it_searches(tmp_path):
    overview = study_overview(building.begun(building.url_in(tmp_path)))
    text = flat(shown(overview))
    assert "0 of 12 done" in text
    assert "No trial is complete yet" in text
    assert "The ceiling is 1.0" in text
    assert "optimizer.lr - from 0.001..0.1:log" in text
    assert "--trial" not in text


def test_top_trials_are_as_many_as_asked(overview):
    assert "Top 1 of 2 complete" in shown(overview, top=1)


def test_importances_are_bars_as_long_as_their_shares(overview):
    found = Importances({"model.pool": 0.75, "model.width": 0.25}, 60, 6)
    lines = shown(replace(overview, importances=found)).splitlines()
    at = lines.index("What set the best 6 of 60 trials apart")
    assert lines[at + 1].split() == ["model.pool", "█" * 30, "75%"]
    assert lines[at + 2].split() == ["model.width", "█" * 10, "25%"]


def test_few_trials_are_said_to_be_few(overview):
    found = Importances({"model.pool": 0.75, "model.width": 0.25}, 20, 6)
    assert "(so few trials say it roughly)" in shown(replace(overview, importances=found))


def test_repeats_and_lost_trials_are_told(overview):
    text = flat(shown(replace(overview, repeats={4: 0, 6: 1}, lost=[6])))
    assert "the worker of trial 6 is gone" in text
    assert "settings of an earlier trial, with a new seed: trial 4, 6" in text


def test_commands_carry_the_storage_only_where_it_was_asked_for(overview):
    assert "--storage" not in shown(overview)
    assert shown(overview, storage_asked=True).count(f" --storage {overview.storage}") == 4
    assert "more trials           a3b-tune xor --trials 24" in shown(
        overview, go_on="a3b-tune xor --trials 24"
    )


def test_a_name_with_blanks_is_quoted_in_commands(tmp_path):
    url = building.url_in(tmp_path)
    stored = building.told(url, [([0.5], "complete")], "study.name=my study")
    text = shown(study_overview(stored))
    assert "a3b-tune show 'my study' --trial 0" in text
    assert "--out 'my study.csv'" in text


def test_a_screen_without_utf8_gets_plain_characters(overview):
    found = Importances({"model.pool": 1.0, "model.width": 0.0}, 60, 6)
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as stream:
        print_study(Console(file=stream, width=80), replace(overview, importances=found))
        stream.flush()
        assert b"#" * 40 + b"  100%" in raw.getvalue()
