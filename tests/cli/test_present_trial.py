import io
from dataclasses import replace

import pytest
from rich.console import Console

from a3b_tune.cli.present_trial import print_trial
from a3b_tune.results.overview import study_overview
from tests.results import building

LONG = [0.5 + 0.004 * i if i < 70 else 0.6 for i in range(100)]
OUTCOMES = [*building.MIXED, (LONG, "complete"), ([0.5], "waiting: Ctrl-C")]


@pytest.fixture(scope="module")
def overview(tmp_path_factory):
    url = building.url_in(tmp_path_factory.mktemp("trial"))
    return study_overview(building.told(url, OUTCOMES))


def shown(overview, number, width=80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_trial(console, overview, overview.trials[number])
    return console.file.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_whole_record_is_there(overview):
    text = flat(shown(overview, 0))
    row = overview.trials[0]
    for part in (
        "trial 0 of small: complete, best accuracy 0.75 in epoch 2, place 3 of 3",
        f"seed {row.seed}",
        "cpu (x86_64, 2 cores), 1 thread",
        "a3b-tune 0.1.0, torch 2.13.0; commit 0123456789ab",
        "training 6.00 s",
        "epoch loss accuracy gradient norm rate seconds",
        "2 0.5000 0.75000 0.5 0.001 2.50",
        "accuracy ▁█▇ 0.50000 to 0.70000",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("stack", "text"), [(32, "stack one of up to 32 trials"), (1, "stack trained alone")]
)
def test_the_stack_that_it_ran_in_is_told(overview, stack, text):
    row = replace(overview.trials[0], stack=stack)
    assert text in flat(shown(replace(overview, trials=[row]), 0))


def test_every_setting_is_exact_so_that_it_can_be_used_again(overview):
    text = shown(overview, 0)
    for name, value in overview.trials[0].settings.items():
        assert f"{name} " in text
        assert str(value) in text
    assert "from 0.001..0.1:log" in text


@pytest.mark.parametrize(
    ("number", "parts"),
    [
        (1, ["pruned, best accuracy 0.5 in epoch 1", "behind at epoch 2"]),
        (2, ["trial 2 of small: pruned", "diverged: mean loss nan by step 16 of epoch 1"]),
        (3, ["failed, best accuracy 0.6", "error: RuntimeError: no luck"]),
        (6, ["trial 6 of small: running, best accuracy 0.65"]),
        (8, ["trial 8 of small: waiting", "put back: Ctrl-C"]),
    ],
)
def test_how_it_ended_and_why(overview, number, parts):
    text = flat(shown(overview, number))
    assert all(part in text for part in parts)


def test_a_trial_without_epochs_has_no_table(overview):
    assert "gradient norm" not in shown(overview, 2)


def test_many_epochs_are_thinned_and_the_best_is_among_them(overview):
    lines = shown(overview, 7).splitlines()
    start = next(i for i, line in enumerate(lines) if "gradient norm" in line)
    table = lines[start + 1 : lines.index("", start)]
    epochs = [int(line.split()[0]) for line in table]
    assert len(epochs) <= 31
    assert epochs == sorted(epochs)
    assert {1, overview.trials[7].best_epoch, 100} <= set(epochs)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_every_width(overview, width):
    for number in range(len(overview.trials)):
        text = shown(overview, number, width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
