"""What is on the screen: the display is fed events and everything it wrote is looked at."""

import io
import re
import time

import pytest
from rich.cells import cell_len
from rich.console import Console

from a3b_tune.cli import display, telling
from a3b_tune.cli.display import PlainDisplay, open_display
from a3b_tune.cli.live import LiveDisplay
from a3b_tune.cli.progress import Best, Progress
from a3b_tune.tuning.events import LostFound, WorkerDied
from tests.cli.events import PARAMS, epoch, started, whole

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LONG = {f"training.a_setting_with_a_long_name_{n}": 0.123456789 for n in range(6)}


def console(width=80, **options):
    return Console(file=io.StringIO(), width=width, height=30, **options)


def terminal(width=80):
    return console(width, force_terminal=True, color_system="truecolor", legacy_windows=False)


def lines(screen):
    """Everything that was written, line by line, without colours and cursor movements."""
    return re.split(r"[\r\n]+", ANSI.sub("", screen.file.getvalue()))


def shown(progress, *events, width=80):
    """The lines of a live display that got these events, its last picture among them."""
    screen = terminal(width)
    with LiveDisplay(screen, progress) as live:
        for event in events:
            live(event)
    return lines(screen)


def plain(progress, *events, width=80):
    screen = console(width)
    with PlainDisplay(screen, progress) as display:
        for event in events:
            display(event)
    return screen.file.getvalue()


def fresh(title="small", trials=10, best=None, **counts):
    return Progress(title, trials, counts, best)


def test_a_terminal_gets_the_live_picture_and_all_else_plain_lines():
    assert isinstance(open_display(terminal(), fresh()), LiveDisplay)
    assert isinstance(open_display(console(), fresh()), PlainDisplay)


def test_the_picture_counts_trials_by_state():
    events = [
        *whole(0, [0.5]), *whole(1, [0.5], state="pruned", reason="behind at epoch 1"),
        *whole(2, [], state="failed", reason="out of memory"), started(3), started(4),
    ]  # fmt: skip
    text = "\n".join(shown(fresh(trials=20, complete=4), *events))
    assert "7 of 20 trials done · 5 complete · 1 pruned · 1 failed · 2 running" in text


def test_the_picture_says_what_is_being_searched_and_how_long_it_takes():
    progress = fresh("a study", trials=4)
    progress.started -= 300.0
    head = [line for line in shown(progress, *whole(0, [0.5])) if line.startswith("a study ")]
    assert re.search(r"5:0\d gone, about 15:\d\d left *$", head[-1])


def test_time_left_is_not_guessed_before_a_trial_has_ended():
    assert "left" not in "\n".join(shown(fresh(), started(0), epoch(0, 1, 0.5)))


def test_the_best_trial_is_shown_with_its_settings():
    text = "\n".join(shown(fresh(), *whole(0, [0.5]), *whole(1, [0.25, 0.75]), started(2)))
    assert "best 0.75000  trial 1, epoch 2  heads 4 · lr 0.00321" in text


def test_the_best_of_an_earlier_run_is_there_from_the_start():
    before = Best(12, 0.9375, 3, PARAMS)
    text = "\n".join(shown(fresh(best=before, complete=13)))
    assert "best 0.93750  trial 12, epoch 3  heads 4" in text
    assert "best" not in "\n".join(shown(fresh()))


def test_each_running_trial_has_a_line_with_its_curve():
    events = [started(0), started(1), epoch(0, 1, 0.5, 9), epoch(0, 2, 0.75, 9)]
    last = shown(fresh(), *events)
    curve = next(line for line in reversed(last) if line.startswith("trial 0"))
    assert re.match(r"trial 0  0\.75000 ▁█ epoch 3/9  heads 4 · lr 0\.00321", curve)
    waiting = next(line for line in reversed(last) if line.startswith("trial 1"))
    assert re.match(r"trial 1  epoch 1, 0 s  heads 4", waiting)


def test_the_curve_grows_with_each_epoch():
    events = [started(0), *(epoch(0, n, 0.5 + 0.1 * n, 5) for n in range(1, 5))]

    def curve(count):
        last = next(line for line in reversed(shown(fresh(), *events[:count])) if "epoch" in line)
        return len(re.findall("[▁▂▃▄▅▆▇█]", last))

    assert [curve(count) for count in range(1, 6)] == [0, 1, 2, 3, 4]


def test_an_ended_trial_leaves_one_line_that_stays_above_the_picture():
    reason = "behind at epoch 1"
    events = [*whole(0, [0.5, 0.75]), *whole(1, [0.5], state="pruned", reason=reason)]
    stays = [line for line in shown(fresh(), *events) if line[:1] in telling.MARKS.values()]
    assert stays == [
        "✓ trial 0    0.75000  heads 4 · lr 0.00321",
        "✂ trial 1    0.50000  behind at epoch 1  heads 4 · lr 0.00321",
    ]


def test_a_trial_with_many_settings_is_cut_to_one_line():
    events = [*whole(0, [0.5], LONG), started(1, LONG), epoch(1, 1, 0.6)]
    found = shown(fresh(), *events)
    cut = {line for line in found if line.startswith(("✓ trial 0", "best", "trial 1"))}
    assert {line.split()[0] for line in cut} == {"✓", "best", "trial"}
    assert all(line.endswith("…") and cell_len(line) == 80 for line in cut)
    assert [line for line in found if "setting" in line and line not in cut] == []


def test_the_picture_is_gone_at_the_end_and_the_cursor_is_back():
    screen = terminal()
    with LiveDisplay(screen, fresh()) as live:
        live(started(0))
    written = screen.file.getvalue()
    assert written.count("\x1b[?25l") == 1
    assert written.index("\x1b[?25l") < written.index("\x1b[?25h")
    # Rich wipes a passing picture line by line.
    assert written.rstrip().endswith("\x1b[2K")


def test_an_error_brings_the_cursor_back_too():
    screen = terminal()
    with pytest.raises(ValueError, match="out"), LiveDisplay(screen, fresh()):
        raise ValueError("out")
    assert "\x1b[?25h" in screen.file.getvalue()


NOTICES = [
    (LostFound([3, 5]), "trials of a run that died go on: 3, 5"),
    (WorkerDied(77, "was ended by SIGKILL", [1], True), "another one takes its place"),
    (WorkerDied(77, "was ended by SIGKILL", [1], False), "the others go on"),
    (started(9, repeats=4), "trial 9 runs the settings of trial 4 again with a new seed"),
]


@pytest.mark.parametrize(("event", "text"), NOTICES)
def test_what_a_person_should_know_is_said_in_words(event, text):
    assert text in " ".join(plain(fresh(), event).split())
    assert text in " ".join(" ".join(shown(fresh(), event)).split())


def test_a_message_is_kept():
    screen, dumb = terminal(), console()
    with LiveDisplay(screen, fresh()) as live:
        live.say("Ctrl-C: once more ends at once")
    PlainDisplay(dumb, fresh()).say("Ctrl-C: once more ends at once")
    assert "Ctrl-C: once more ends at once" in lines(screen)
    assert dumb.file.getvalue() == "Ctrl-C: once more ends at once\n"


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("params", [PARAMS, LONG, {}])
def test_no_line_is_wider_than_the_screen(width, params):
    accuracies = [0.5 + 0.01 * n for n in range(40)]
    reason = "error: RuntimeError: " + "a long story " * 20
    events = [
        LostFound(list(range(60))), WorkerDied(4_000_000, "was ended by SIGKILL", [], True),
        *whole(10_000, accuracies, params), *whole(2, [], params, "failed", reason),
        *(started(n, params, repeats=1) for n in range(16)),
        *(epoch(3, n, value, 40) for n, value in enumerate(accuracies, 1)),
    ]  # fmt: skip
    progress = fresh("a study with a name that is longer than it need be " * 2, 10_000, None,
                     complete=9_000, pruned=900, failed=90)  # fmt: skip
    progress.started -= 400_000.0
    too_wide = [line for line in shown(progress, *events, width=width) if cell_len(line) > width]
    assert too_wide == []


def test_names_from_a_study_file_are_not_taken_for_markup():
    params = {"model.pool": "[red]x[/red]"}
    text = "\n".join(shown(fresh("[b]name[/b]"), *whole(0, [0.5], params)))
    assert "[b]name[/b]" in text
    assert "pool [red]x[/red]" in text
    assert "pool [red]x[/red]" in plain(fresh(), *whole(0, [0.5], params))


def test_plain_lines_say_how_far_it_is_when_a_trial_ends():
    progress = fresh(trials=4)
    progress.started -= 60.0
    out = plain(progress, *whole(0, [0.5, 0.75]), *whole(1, [0.5], state="pruned", reason="behind"))
    first, second = out.splitlines()
    assert re.fullmatch(r"\[1/4 3:0\d left\] ✓ trial 0    0\.75000  heads 4 · lr 0\.00321", first)
    assert re.fullmatch(r"\[2/4 1:0\d left\] ✂ trial 1    0\.50000  behind  heads 4 .*", second)


def test_plain_lines_hold_no_escape_and_are_never_broken_or_cut():
    out = plain(fresh(), *whole(0, [0.5], LONG), width=40)
    assert "\x1b" not in out
    assert out.count("\n") == 1
    assert out.count("0.123") == len(LONG)


def test_plain_lines_do_not_tell_every_epoch():
    assert plain(fresh(), started(0), *(epoch(0, n, 0.5, 50) for n in range(1, 50))) == ""


def test_plain_lines_tell_of_a_long_trial_now_and_then(monkeypatch):
    monkeypatch.setattr(display, "PLAIN_INTERVAL", 0.05)
    screen = console()
    view = PlainDisplay(screen, fresh())
    view(started(0))
    view(epoch(0, 1, 0.5, 9))
    deadline = time.monotonic() + 30.0
    while not screen.file.getvalue() and time.monotonic() < deadline:
        view(epoch(0, 2, 0.75, 9))
    line = screen.file.getvalue()
    assert re.fullmatch(r"\[0/10\] {2,}trial 0 +0\.75000 after epoch \d+ of 9\n", line)
