"""Which lines are said of a run, whatever shows them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.cli import telling
from a3b_tune.cli.progress import Best, Progress
from a3b_tune.cli.score import Score
from a3b_tune.cli.telling import MOST_LINES, Teller, notice
from a3b_tune.tuning.events import LostFound
from tests.cli.events import started, whole

MANY = 10 * MOST_LINES
UNBEATEN = Best(9_999, 1.0, 1, {})


def teller(best=UNBEATEN):
    return Teller(Progress("small", 10_000, {}, best))


def said(view, *events):
    return [line.plain for event in events for line in view.hear(event)]


def trials(numbers, **how):
    return [event for number in numbers for event in whole(number, [0.5], **how)]


def later(view):
    """The window in which the teller counts is over."""
    view._opened -= telling.WINDOW


def test_few_trials_have_a_line_each():
    view = teller()
    lines = said(view, *trials(range(MOST_LINES)))
    assert [line[:8] for line in lines] == ["✓ trial "] * MOST_LINES
    assert view.rest() == []


@given(
    st.lists(
        st.sampled_from(["complete", "pruned", "failed", "put back"]), min_size=0, max_size=MANY
    )
)
def test_every_trial_is_told_of_once_alone_or_with_others(states):
    view = teller()
    lines = said(view, *(e for n, state in enumerate(states) for e in trials([n], state=state)))
    counted = sum(int(n) for line in view.rest() for n in re.findall(r"(\d+) more", line.plain))
    assert len(lines) + counted == len(states)
    assert view.rest() == []


def test_many_trials_are_counted_by_state_in_one_line_when_the_window_is_over():
    view = teller()
    lines = said(view, *trials(range(MOST_LINES)), *trials(range(100, 140)))
    assert len(lines) == MOST_LINES
    assert said(view, *trials(range(200, 260), state="pruned")) == []
    later(view)
    (line,) = said(view, started(300))
    assert line == "100 more ended: 40 complete, 60 pruned; 1 running; best 1.00000 (trial 9999)"


def test_after_a_crowded_window_the_next_is_counted_from_its_start():
    view = teller()
    said(view, *trials(range(MANY)))
    later(view)
    first = said(view, *trials(range(MANY, MANY + 5)))
    assert ["more ended" in line for line in first] == [True]
    later(view)
    lines = said(view, *trials(range(2 * MANY, 2 * MANY + 5)))
    assert "5 more ended" in lines[0]
    assert len(lines) == 6


def test_a_new_best_and_a_failure_are_told_at_once_in_any_crowd():
    view = teller(best=None)
    said(view, *trials(range(MANY)))
    better = said(view, *whole(MANY, [0.75]), *whole(MANY + 1, [0.75]))
    assert better == ["✓ trial 300  0.75000  heads 4 · lr 0.00321"]
    assert said(view, *whole(MANY + 2, [], state="failed", reason="out of memory"))


def test_settings_that_are_run_again_are_not_told_of_in_a_crowd():
    view = teller()
    assert said(view, started(0, repeats=7))
    said(view, *trials(range(1, MANY)))
    assert said(view, started(MANY, repeats=7)) == []


def test_of_many_lost_trials_the_first_are_named():
    assert notice(LostFound([3, 5]), Score()).endswith(": 3, 5")
    assert notice(LostFound(list(range(128))), Score()).endswith("6, 7 and 120 more")


@pytest.mark.parametrize("count", [1, 2])
def test_ctrl_c_on_large_stacks_is_no_flood(count):
    view = teller()
    lines = said(view, *trials(range(128 * count), state="put back", reason="Ctrl-C"))
    assert len(lines) == MOST_LINES
    (rest,) = view.rest()
    assert rest.plain.startswith(f"{128 * count - MOST_LINES} more ended: ")
    assert "put back" in rest.plain
