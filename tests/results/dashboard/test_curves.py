from threading import Thread

from a3b_tune.results.dashboard import curves
from a3b_tune.results.dashboard.curves import KEPT, Pictures, epochs
from a3b_tune.results.dashboard.measure import Measure
from a3b_tune.results.overview import Ceiling
from tests.results import building


def test_a_trial_that_waits_again_has_no_curves_of_its_broken_run(url):
    stored = building.told(url, [([0.5, 0.6], "complete"), ([0.5, 0.6], "waiting: broken")])
    complete, waiting = stored.study.get_trials()
    assert epochs(waiting) == []
    assert len(epochs(complete)) == 2


def test_a_picture_is_drawn_once(mixed, monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "curves_png", lambda *told, **how: drawn.append(told) or b"png")
    trials = [trial for trial in mixed.study.get_trials() if epochs(trial)]
    pictures = Pictures()
    for _ in range(3):
        for trial in trials:
            pictures.of(trial, "", Measure())
    assert len(drawn) == len(trials)
    assert len(pictures._drawn) == len(trials) <= KEPT


def test_several_people_may_look_at_once(mixed):
    trials = [trial for trial in mixed.study.get_trials() if epochs(trial)]
    pictures, found = Pictures(), []
    measure = Measure(ceiling=Ceiling(1.0, "all", ""))
    threads = [
        Thread(target=lambda trial=trial: found.append(pictures.of(trial, "x", measure)))
        for trial in trials
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(trials)
    assert all(png.startswith(b"\x89PNG") for png in found)
