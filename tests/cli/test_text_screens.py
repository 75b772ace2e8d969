"""A search on text as a person watches it: fewer bits are better, and time is counted in steps."""

import io

import pytest
from rich.console import Console

from a3b_tune.cli import display
from a3b_tune.cli.display import PlainDisplay
from a3b_tune.cli.picture import TRIALS, picture
from a3b_tune.cli.progress import Best, Progress
from a3b_tune.cli.score import Score
from a3b_tune.cli.telling import Teller
from a3b_tune.study import BITS
from a3b_tune.tuning.events import TrialStarted
from tests.cli import events
from tests.cli.events import PARAMS, epoch, started

SCORE = Score(BITS, every=250)


def whole(number, bits):
    return events.whole(number, bits, best_of=min)


def fresh(best=None, trials=10):
    return Progress("toy", trials, {}, best, score=SCORE)


def fed(progress, *events):
    for event in events:
        progress.take(event)
    return progress


def shown(progress, height=24):
    console = Console(file=io.StringIO(), width=100)
    console.print(picture(progress, height))
    return console.file.getvalue()


def test_the_best_has_the_fewest_bits():
    progress = fed(fresh(), *whole(0, [2.0, 1.5]), *whole(1, [1.0]), *whole(2, [1.25]))
    assert (progress.best.number, progress.best.value) == (1, 1.0)
    assert next(iter(progress.shapes.values())).best == 1.0


@pytest.mark.parametrize(
    ("before", "best"),
    [(Best(7, 0.8, 2, {}), 7), (Best(7, 0.9, 1, {}), 8), (Best(7, 0.8, 3, {}), 8)],
)
def test_a_new_best_needs_fewer_bits_or_fewer_steps(before, best):
    assert fed(fresh(before), *whole(8, [0.9, 0.8])).best.number == best


def test_the_picture_counts_in_steps():
    progress = fed(fresh(), *whole(0, [0.75, 0.5625]), started(1), epoch(1, 1, 0.875, epochs=12))
    text = shown(progress)
    assert "best 0.5625  trial 0" in text
    assert "step 500" in text
    assert "0.8750 " in text
    assert "step 250/3000" in text
    assert "epoch" not in text


def test_of_a_trial_that_was_not_evaluated_yet_it_says_until_when():
    assert "before step 250," in shown(fed(fresh(), started(0)))


def test_of_many_running_trials_those_with_the_fewest_bits_are_shown():
    many = 3 * TRIALS
    told = [event for n in range(many) for event in (started(n), epoch(n, 1, 1.0 + n / 100))]
    text = shown(fed(fresh(trials=100), *told, started(999)))
    assert "trial 0  1.0000" in text
    assert f"trial {many - 1} " not in text


def test_lines_tell_bits_and_steps():
    teller = Teller(fresh())
    lines = [line for event in whole(3, [0.75, 0.5625]) for line in teller.hear(event)]
    assert "trial 3    0.5625  heads 4" in lines[0].plain
    (resumed,) = teller.hear(TrialStarted(4, PARAMS, PARAMS, None, 1, (0.75, 0.7)))
    assert resumed.plain == "trial 4 goes on after step 500"


def test_a_log_says_how_far_the_best_is(monkeypatch):
    monkeypatch.setattr(display, "PLAIN_INTERVAL", -1.0)
    monkeypatch.setattr(display, "FEW", 0)
    console = Console(file=io.StringIO(), width=100)
    out = PlainDisplay(console, fresh())
    for event in (started(0), started(1), epoch(0, 1, 0.875, 12), epoch(1, 1, 0.75, 12)):
        out(event)
    last = console.file.getvalue().splitlines()[-1]
    assert "2 running, the best of them now trial 1: 0.7500 after step 250 of 3000" in last
