"""What workers elsewhere do is told as if they were here, each thing once."""

from dataclasses import replace

from a3b_tune.tuning import records
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.events import EpochDone, TrialEnded, TrialStarted
from a3b_tune.tuning.trials import put_back_all, write_all
from a3b_tune.tuning.watching import Watch
from tests.tuning.conftest import begin

MEASURED = {
    "loss": 0.5, "accuracy": 0.5, "gradient_norm": 1.0, "lr": 0.1, "seconds": 1.0,
    "evaluation_seconds": 0.1,
}  # fmt: skip


def report(trial, *epochs):
    for epoch in epochs:
        trial.report(epoch / 10, {**MEASURED, "epoch": epoch, "accuracy": epoch / 10})


def brief(events):
    found = []
    for event in events:
        match event:
            case TrialStarted():
                found.append(("started", event.number))
            case EpochDone():
                found.append(("epoch", event.number, event.epoch.epoch, event.epochs))
            case TrialEnded():
                found.append((event.state, event.number, event.value))
    return found


def test_a_trial_elsewhere_is_told_from_its_start_to_its_end(url, stored, file, xor):
    events = []
    watch = Watch(begin(url, file, xor), events.append, list)
    watch.look()
    assert events == []
    trial = ask(stored, 9, {})
    report(trial, 1)
    write_all([trial])
    watch.look()
    report(trial, 2)
    write_all([trial])
    watch.look()
    watch.look()
    trial.complete()
    write_all([trial])
    watch.look()
    watch.look()
    assert brief(events) == [
        ("started", 0),
        ("epoch", 0, 1, 2),
        ("epoch", 0, 2, 2),
        ("complete", 0, 0.2),
    ]


def test_one_that_was_put_back_and_runs_again_is_told_so(url, stored, file, xor):
    events = []
    watch = Watch(begin(url, file, xor), events.append, list)
    trial = ask(stored, 9, {})
    report(trial, 1)
    write_all([trial])
    watch.look()
    put_back_all(stored, [trial], "Ctrl-C")
    watch.look()
    again = ask(stored, 9, {})
    report(again, 1)
    write_all([again])
    watch.look()
    assert brief(events) == [
        ("started", 0),
        ("epoch", 0, 1, 2),
        ("put back", 0, None),
        ("started", 0),
        ("epoch", 0, 1, 2),
    ]


def test_ones_own_trials_are_not_told_again(url, stored, file, xor, monkeypatch):
    events = []
    own = records.this_worker()
    watch = Watch(begin(url, file, xor), events.append, lambda: [own.pid])
    ask(stored, 9, {})
    watch.look()
    assert events == []
    other = replace(own, pid=own.pid + 1)
    monkeypatch.setattr(records, "this_worker", lambda: other)
    ask(begin(url, file, xor), 9, {})
    watch.look()
    assert brief(events) == [("started", 1)]


def test_what_ended_before_is_not_told(url, stored, file, xor):
    trial = ask(stored, 9, {})
    report(trial, 1)
    trial.complete()
    write_all([trial])
    events = []
    Watch(begin(url, file, xor), events.append, list).look()
    assert events == []
