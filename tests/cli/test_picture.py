"""The live picture with as many running trials as stacks hold."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from a3b_tune.cli.picture import picture
from a3b_tune.cli.progress import Progress
from tests.cli.events import epoch, started, whole


def shown(progress, width=80, height=40):
    """The picture's lines on a screen."""
    screen = Console(file=io.StringIO(), width=width, height=height)
    screen.print(picture(progress, height))
    return [line.rstrip() for line in screen.file.getvalue().splitlines()]


def running(count, heads=(4,)):
    """A run of so many trials, those of the same heads in one stack; the later, the better."""
    progress = Progress("small", 1_000, {}, None)
    for number in range(count):
        progress.take(
            started(number, {"model.heads": heads[number % len(heads)], "optimizer.lr": 0.5})
        )
        progress.take(epoch(number, 1, 0.5 + number / 1_000))
    return progress


@pytest.mark.parametrize("count", [0, 1, 8])
def test_a_few_trials_have_a_line_each_in_the_order_in_which_they_began(count):
    lines = [line for line in shown(running(count)) if line.startswith("trial ")]
    assert [int(line.split()[1]) for line in lines] == list(range(count))
    assert not any("of" in line and "running" in line for line in shown(running(count))[3:])


@pytest.mark.parametrize("count", [9, 32, 256])
def test_of_many_trials_the_best_have_a_line_and_the_others_are_counted(count):
    lines = shown(running(count))
    told = [int(line.split()[1]) for line in lines if line.startswith("trial ")]
    assert told == list(range(count - 1, count - 9, -1))
    assert lines[-1] == f"and {count - 8} more"


def test_each_shape_has_a_line_with_its_trials_and_its_best():
    lines = shown(running(40, heads=(1, 2, 2, 2)))
    assert " 30 of  30 running  best 0.53900  heads 2" in lines
    assert " 10 of  10 running  best 0.53600  heads 1" in lines


def test_a_shape_whose_trials_end_is_seen_to_empty():
    progress = running(32)
    for number in range(20):
        progress.take(whole(number, [0.9])[-1])
    assert " 12 of  32 running  best 0.53100  heads 4" in shown(progress)


def test_slots_that_were_never_taken_are_seen():
    progress = Progress("small", 1_000, {}, None)
    for number in range(10):
        progress.take(started(number, {"model.heads": 4}, slots=16))
    assert any(line.startswith(" 10 of  16 running") for line in shown(progress))


def test_a_study_of_one_shape_says_so():
    progress = Progress("small", 100, {}, None)
    for number in range(9):
        progress.take(started(number, {"optimizer.lr": 0.1}))
    assert any(line.endswith("all of one shape") for line in shown(progress))


@pytest.mark.parametrize("height", [8, 10, 24, 50])
@pytest.mark.parametrize("count", [1, 9, 300])
def test_it_fits_the_screen_however_many_trials_and_shapes_there_are(height, count):
    progress = running(count, heads=tuple(range(1, 40)))
    progress.take(whole(999, [0.9])[0])
    progress.take(whole(999, [0.9])[-1])
    lines = shown(progress, 40, height)
    assert len(lines) <= max(height, 9)
    assert max(map(cell_len, lines)) <= 40


def test_more_shapes_than_fit_are_counted():
    assert "and 6 more shapes" in shown(running(100, heads=tuple(range(10))))
