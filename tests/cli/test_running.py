"""From the command to the end of a run, with real data, a real storage and real training."""

import json
import os
import re
import signal
import sqlite3
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from a3b_tune.cli import running
from a3b_tune.cli.app import run
from a3b_tune.cli.display import PlainDisplay
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import load, override
from a3b_tune.study.catalogue import find
from a3b_tune.training.plain import PlainLearner
from a3b_tune.tuning import stopping
from a3b_tune.tuning.asking import Queue
from a3b_tune.tuning.events import EpochDone
from a3b_tune.tuning.studies import open_study
from tests.commands import SMALL, answered, contents, one_line, refused, small_imdb

ENDLESS = ["--set", "training.epochs=100000"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def stored(name="baseline_xor", url=None):
    """The study's trials as they are in the storage."""
    return open_study(open_storage(url), name).study.trials


def states(trials):
    return [trial.state.name for trial in trials]


def test_a_run_tells_each_trial_and_then_what_was_found(capsys):
    out = answered(capsys, *SMALL, "--trials", "3")
    told = [line for line in out.splitlines() if re.match(r"\[\d/3", line)]
    assert [line[:3] for line in told] == ["[1/", "[2/", "[3/"]
    summary = out.partition("all trials done")[2]
    for text in ("Best: ", "Top 3", "What decided", "the ceiling", "sqlite:///a3b-tune.db"):
        assert text in summary
    assert "a3b-tune show baseline_xor --trial" in summary
    assert states(stored()) == ["COMPLETE"] * 3


def test_the_summary_agrees_with_show(capsys):
    out = answered(capsys, *SMALL, "--trials", "2")
    shown = answered(capsys, "show")
    best = re.search(r"Best: .*", out).group()
    assert best in shown
    assert re.search(r"Best: (\S+) validation", out).group(1) == re.search(
        r"Best: (\S+) validation", shown
    ).group(1)


def test_every_trial_records_what_it_takes_to_run_it_again(capsys):
    answered(capsys, *SMALL, "--trials", "2")
    for trial in stored():
        record = trial.user_attrs["a3b:record"]
        assert record["settings"]["training.epochs"] == 2
        assert {key: record["settings"][key] for key in trial.params} == trial.params
        assert record["data_hash"]
        assert record["versions"]["torch"]
        assert record["device"].startswith("cpu")
    seeds = [trial.user_attrs["a3b:record"]["seed"] for trial in stored()]
    assert len(set(seeds)) == 2


@pytest.mark.parametrize("stack", ["1", "2"])
def test_the_same_command_gives_the_same_trials(capsys, stack):
    for name in ("first", "second"):
        answered(capsys, *SMALL, "--trials", "3", "--name", name, "--stack", stack)
    first, second = stored("first"), stored("second")
    assert [trial.params for trial in first] == [trial.params for trial in second]
    assert [trial.intermediate_values for trial in first] == [
        trial.intermediate_values for trial in second
    ]


def test_the_storage_of_the_environment_is_used(capsys, here, monkeypatch):
    (here / "there").mkdir()
    monkeypatch.setenv("A3B_TUNE_STORAGE", "sqlite:///there/mine.db")
    answered(capsys, *SMALL, "--trials", "1")
    assert {name.partition(".")[0] for name in contents(here)} == {"there", "there/mine"}


def test_time_that_is_up_puts_the_trial_back_and_is_no_failure(capsys, monkeypatch):
    """The third epoch takes half an hour, by the clock of the loop."""
    train = PlainLearner._train
    clock = SimpleNamespace(monotonic=time.monotonic)

    def late(learner, epoch):
        if epoch == 3:
            clock.monotonic = lambda: time.monotonic() + 1800
        return train(learner, epoch)

    monkeypatch.setattr(PlainLearner, "_train", late)
    monkeypatch.setattr(stopping, "time", clock)
    out = answered(capsys, *SMALL, *ENDLESS, "--trials", "3", "--timeout", "30m", "--stack", "1")
    assert "the time is up" in out
    assert "↩ trial 0" in out
    trials = stored()
    assert states(trials) == ["WAITING"]
    # From here it will go on.
    assert sorted(trials[0].intermediate_values) == [1, 2, 3]
    assert "timeout" in trials[0].user_attrs["a3b:reason"]


MISTAKES = [
    (["--stack", "0"], "--stack: '0' is neither auto nor a whole number from 1"),
    (["--stack", "many"], "--stack: 'many' is neither auto nor a whole number from 1"),
    (["--precision", "bfloat"], "unknown precision 'bfloat'; did you mean 'bfloat16'?"),
    (["--precision", "tf32", "--device", "cpu"], "--precision tf32: needs a GPU"),
]


@pytest.mark.parametrize(("words", "text"), MISTAKES)
def test_a_stack_or_precision_that_cannot_be_is_refused_before_anything_is_made(
    capsys, here, words, text
):
    assert text in refused(capsys, *SMALL, *words)
    assert contents(here) == []


@pytest.mark.parametrize(("words", "stack"), [(["--stack", "1"], 1), (["--stack", "4"], 4)])
def test_trials_are_trained_in_stacks_of_the_size_that_was_asked_for(capsys, words, stack):
    out = answered(capsys, *SMALL, "--trials", "4", *words, "--precision", "float32")
    assert out.count("✓ trial") == 4
    assert {trial.user_attrs["a3b:record"]["stack"] for trial in stored()} == {stack}
    assert re.search(r"speed +[0-9.]+ trials per second; \d+% of the stacks' slots busy", out)


@pytest.mark.parametrize(
    ("number", "code", "text"),
    [(signal.SIGINT, 130, "stopped by Ctrl-C"), (signal.SIGTERM, 143, "stopped by SIGTERM")],
)
@pytest.mark.parametrize("stack", [1, 3])
def test_a_signal_ends_the_run_and_puts_its_trials_back(
    capsys, monkeypatch, number, code, text, stack
):
    hear, sent = PlainDisplay.__call__, []

    def signalled(display, event):
        hear(display, event)
        # A second signal would end this process at once.
        if isinstance(event, EpochDone) and event.epoch.epoch == 3 and not sent:
            sent.append(number)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(PlainDisplay, "__call__", signalled)
    before = signal.getsignal(number)
    assert run([*SMALL, *ENDLESS, "--trials", "3", "--stack", str(stack)]) == code
    out, err = capsys.readouterr()
    assert err == ""
    assert "once more ends at once" in out
    assert text in out
    assert re.search(r"more trials +a3b-tune run baseline_xor --trials 3", out)
    assert states(stored()) == ["WAITING"] * stack
    assert signal.getsignal(number) is before


def test_three_failures_in_a_row_end_the_run_with_exit_code_1(capsys):
    code = run([*SMALL, "--trials", "9", "--set", f"model.width={10**12}"])
    out, err = capsys.readouterr()
    assert (code, err) == (1, "")
    assert "3 trials in a row failed; the last: out of memory" in out
    trials = stored()
    assert states(trials) == ["FAIL"] * 3
    assert all("Traceback" in trial.user_attrs["a3b:traceback"] for trial in trials)


def test_a_diverged_trial_is_pruned_with_its_reason_and_the_run_goes_on(capsys):
    words = ["--set", "optimizer.name=sgd", "--set", "optimizer.lr=1e6..1e9:log"]
    out = answered(capsys, *SMALL, *words, "--trials", "2", "--pool", "max")
    assert "diverged" in out
    assert "PRUNED" in states(stored())


def test_a_finished_study_trains_nothing_more(capsys):
    answered(capsys, *SMALL, "--trials", "1")
    before = answered(capsys, "export")
    out = answered(capsys, *SMALL, "--trials", "1")
    assert "all trials done" in out
    assert "✓ trial" not in out
    assert answered(capsys, "export") == before


def test_the_database_is_left_in_one_file_that_survives_a_crash(capsys, here):
    answered(capsys, *SMALL, "--trials", "1")
    with closing(sqlite3.connect(here / "a3b-tune.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_json_has_the_facts_that_show_has(capsys):
    code = run([*SMALL, "--trials", "2", "--json"])
    out, err = capsys.readouterr()
    assert code == 0
    assert "all trials done" in err
    told, shown = json.loads(out), json.loads(answered(capsys, "show", "--json"))
    assert told["best"][0]["value"] == shown["best"][0]["value"]
    assert told["counts"] == shown["counts"]


def test_reviews_are_found_in_the_folder_that_is_named(capsys, here):
    small_imdb(here / "data")
    words = ["--trials", "1", "--workers", "1", "--set", "training.epochs=1", "--set"]
    answered(capsys, "imdb", *words, "model.width=4", "--data-dir", "data")
    assert states(stored("imdb")) == ["COMPLETE"]


def test_a_storage_that_breaks_in_mid_run_is_one_line_and_keeps_what_was_done(
    capsys, here, monkeypatch
):
    """The disk is full from the second trial on, for all that SQLite can tell."""
    leader, storages = Queue.leader, []

    def full_later(queue):
        stored = queue._stored
        if stored.study.get_trials(deepcopy=False):
            with closing(stored.storage.engine.raw_connection()) as connection:
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                connection.execute(f"PRAGMA max_page_count = {pages}")
            storages.append(stored.storage)
        return leader(queue)

    monkeypatch.setattr(Queue, "leader", full_later)
    words = ["--trials", "200", "--set", "training.epochs=20", "--stack", "1", "--patience", "0s"]
    code = run([*SMALL, *words])
    out, err = capsys.readouterr()
    assert code == 2
    assert "the disk is full" in one_line(err)
    assert "✓ trial 0" in out
    for storage in storages:
        storage.engine.dispose()
    assert states(stored())[0] == "COMPLETE"
    told = json.loads(answered(capsys, "show", "--json"))
    assert told["counts"]["complete"] == out.count("✓ trial")


@pytest.mark.parametrize(
    ("study", "changes", "large"),
    [
        ("toy", [], True),
        ("wp", [], True),
        ("toy", ["data.max_length=16", "model.head_width=4", "training.batch_size=4"], False),
        ("synth", [], False),
    ],
)
def test_cores_share_a_step_only_where_it_is_large(study, changes, large):
    file = override(load(find(study)), changes)
    assert (running._step_size(file) >= running.LARGE_STEP) is large
