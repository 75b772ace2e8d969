import io
from threading import Thread

import matplotlib.image
import pytest

from a3b_tune.results.dashboard import curves
from a3b_tune.results.dashboard.curves import KEPT, Pictures, draw, epochs
from tests.results import building


def test_the_picture_is_a_picture():
    measured = [building.epoch(number, 0.5 + number / 20) for number in range(1, 8)]
    png = draw(measured, "small, trial $1_", 0.9, 7)
    height, width, _ = matplotlib.image.imread(io.BytesIO(png)).shape
    assert width > height > 500


@pytest.mark.parametrize("loss", [0.0, float("nan"), float("inf"), 1e30])
def test_any_curve_can_be_drawn(loss):
    measured = [{**building.epoch(1, 0.5), "loss": loss}]
    for ceiling in (None, 1.0):
        assert draw(measured, "", ceiling, 1).startswith(b"\x89PNG")


def test_a_trial_that_waits_again_has_no_curves_of_its_broken_run(url):
    stored = building.told(url, [([0.5, 0.6], "complete"), ([0.5, 0.6], "waiting: broken")])
    complete, waiting = stored.study.get_trials()
    assert epochs(waiting) == []
    assert len(epochs(complete)) == 2


def test_a_picture_is_drawn_once(mixed, monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "draw", lambda *told: drawn.append(told) or b"png")
    trials = [trial for trial in mixed.study.get_trials() if epochs(trial)]
    pictures = Pictures()
    for _ in range(3):
        for trial in trials:
            pictures.of(trial, "", None)
    assert len(drawn) == len(trials)
    assert len(pictures._drawn) == len(trials) <= KEPT


def test_several_people_may_look_at_once(mixed):
    trials = [trial for trial in mixed.study.get_trials() if epochs(trial)]
    pictures, found = Pictures(), []
    threads = [
        Thread(target=lambda trial=trial: found.append(pictures.of(trial, "x", 1.0)))
        for trial in trials
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(trials)
    assert all(png.startswith(b"\x89PNG") for png in found)
