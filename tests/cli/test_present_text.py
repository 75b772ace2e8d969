"""A study on text on the screen, and one trial of it."""

import io
import json

import pytest
from rich.console import Console

from a3b_tune.cli.app import run
from a3b_tune.cli.present import print_study
from a3b_tune.cli.present_trial import print_trial
from tests.cli import letters
from tests.commands import answered, refused
from tests.results import building


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    return building.url_in(tmp_path_factory.mktemp("letters"))


@pytest.fixture(scope="module")
def overview(url):
    return letters.told(url, letters.MIXED)


def console(width):
    return Console(file=io.StringIO(), width=width)


def study(overview, width=80) -> str:
    screen = console(width)
    print_study(screen, overview)
    return screen.file.getvalue()


def trial(overview, number, width=80, **how) -> str:
    screen = console(width)
    print_trial(screen, overview, overview.trials[number], **how)
    return screen.file.getvalue()


def flat(text):
    return " ".join(text.split())


def test_everything_that_matters_is_said(overview):
    text = flat(study(overview))
    for part in (
        "toy: 200 training, 200 validation, 200 test characters; alphabet 4",
        "Best: 0.5625 bits at the last character of fixed windows, trial 3, step 30 of 30",
        "fresh windows: 0.5725 ± 0.0061",
        "excess over the ideal predictor: 0.0083 ± 0.0011",
        "all positions: 0.6875 ± 0.0100",
        "612 sampled sentences: 99.2% valid",
        "Done: the floor is reached, 0.5480 ± 0.0010 bits per character: ",
        "Top 2 of 2 complete",
    ):
        assert part in text
    assert "accuracy" not in text
    assert "epoch" not in text


def test_the_ranking_goes_up_in_bits(overview):
    lines = [line.split() for line in study(overview).splitlines()]
    head = next(index for index, line in enumerate(lines) if line[:3] == ["trial", "bits", "step"])
    assert lines[head + 1][:3] == ["3", "0.5625", "30"]
    assert lines[head + 2][:3] == ["0", "1.2500", "30"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_every_width(overview, width):
    told = [line for line in study(overview, width).splitlines() if "a3b-tune " not in line]
    assert max(len(line) for line in told if "kept in" not in line) <= width
    text = trial(overview, 3, width)
    assert all(line == line.rstrip() for line in text.splitlines())


def test_above_the_floor_nothing_is_done(tmp_path):
    overview = letters.told(building.url_in(tmp_path), letters.MIXED[:1])
    text = flat(study(overview))
    assert "Floor: 0.5480 ± 0.0010 bits per character: " in text
    assert "Done" not in text


def test_where_no_source_is_known_nothing_is_said_of_it(tmp_path):
    overview = letters.told(building.url_in(tmp_path), letters.MIXED, known=False)
    text = flat(study(overview))
    assert "Best: 0.5625 bits at the last character of fixed windows" in text
    assert "ideal" not in text
    assert "loor" not in text
    assert "excess" not in flat(trial(overview, 3))


def test_a_trial_is_a_curve_by_step_and_its_last_sample(overview):
    text = trial(overview, 3)
    told = flat(text)
    for part in (
        "complete, best bits 0.5625 at step 30, place 1 of 2",
        "step loss bits excess bits all gradient norm rate seconds",
        "30 0.3333 0.5625 0.0093 0.6875",
        "bits █▄▁ 1.0000 to 0.5625",
        "fresh windows: 0.5725 ± 0.0061",
        "sample at step 30",
        "2 earlier samples: the same with --samples",
    ):
        assert part in told
    assert "abc abc abc abc [bold]3" in told
    assert "[bold]2" not in told


def test_all_its_samples_stand_in_order(overview):
    text = trial(overview, 3, samples=True)
    places = [text.index(f"sample at step {step}\n") for step in (10, 20, 30)]
    assert places == sorted(places)
    assert "--samples" not in text


def test_the_seed_is_dimmed(overview):
    screen = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    print_trial(screen, overview, overview.trials[3])
    assert "\x1b[2mabc \x1b[0mabc abc abc" in screen.file.getvalue()


def test_a_trial_that_was_never_evaluated_has_no_curve(overview):
    text = trial(overview, 2)
    assert "diverged" in text
    assert "sample at" not in text


def test_a_list_of_studies_tells_bits_and_the_floor(overview, url, capsys):
    text = answered(capsys, "studies", "--storage", url)
    assert "floor" in text.splitlines()[0]
    assert "0.5625 bits" in text
    assert "0.5480" in text


def test_a_list_of_both_kinds_names_both(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    url = building.url_in(tmp_path)
    letters.told(url, letters.MIXED)
    building.told(url, building.MIXED)
    text = answered(capsys, "studies", "--storage", url)
    assert "ceiling/floor" in text.splitlines()[0]
    assert "0.5625 bits" in text
    assert "0.75" in text


def test_json_tells_the_metric_and_the_floor(overview, url, capsys):
    told = json.loads(answered(capsys, "show", "--json", "--storage", url))
    assert told["metric"] == "bits"
    assert told["floor"]["value"] == 0.548
    assert told["best"][0]["scores"]["final_excess"] == 0.0083
    row = json.loads(answered(capsys, "show", "--trial", "3", "--json", "--storage", url))
    assert row["epochs"][0]["sample"].startswith("abc abc ")


def test_samples_of_no_trial_are_a_mistake(overview, url, capsys):
    assert "--trial N" in refused(capsys, "show", "--samples", "--storage", url)


def test_going_on_is_not_offered_at_the_floor(overview, url, capsys):
    assert run(["show", "--storage", url]) == 0
    assert "more trials" not in capsys.readouterr().out
