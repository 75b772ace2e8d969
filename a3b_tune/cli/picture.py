"""What the live display shows now: how far the run is, the best so far, shapes and running trials.

Its height is bounded, however many trials run. Knows nothing of time but now.
"""

import time
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from a3b_tune.cli.figures import count, duration, sparkline
from a3b_tune.cli.progress import OfShape, Progress, Running
from a3b_tune.cli.score import Score
from a3b_tune.cli.telling import STYLES, brief

# Running trials and shapes that have a line each, at most.
TRIALS, SHAPES = 8, 4
# Lines of the picture beside those, and what a terminal needs below it.
OTHERS = 6
# Epochs of a curve, the last ones.
CURVE = 30


def picture(progress: Progress, height: int) -> RenderableType:
    """The picture for a screen of so many lines."""
    rows: list[RenderableType] = [Text(), _head(progress), _counts(progress)]
    if best := progress.best:
        value = progress.score.value(best.value)
        told = f"best {value}  trial {best.number}, {progress.score.at(best.epoch)}  "
        rows.append(_line((told, "bold green"), brief(best.params)))
    room = max(1, min(TRIALS, height - OTHERS))
    if len(progress.running) > room:
        shapes = list(_shapes(progress, max(0, min(SHAPES, height - OTHERS - room))))
        rows += [*shapes, *_best_trials(progress, room)]
    else:
        running = progress.running.items()
        rows += [_trial(number, trial, progress.score) for number, trial in running]
    return Group(*rows)


def _line(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _head(state: Progress) -> RenderableType:
    gone = duration(time.monotonic() - state.started)
    left = state.seconds_left
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(no_wrap=True)
    bar = ProgressBar(total=max(1, state.trials), completed=state.ended)
    time_left = "" if left is None else f", about {duration(left)} left"
    grid.add_row(Text(state.title, style="bold"), bar, f"{gone} gone{time_left}")
    return grid


def _counts(state: Progress) -> Text:
    text = Text(f"{state.ended} of {state.trials} trials done")
    for name in ("complete", "pruned", "failed"):
        if number := state.counts.get(name, 0):
            text.append(f" · {number} {name}", style=STYLES[name])
    text.append(f" · {len(state.running)} running")
    return text


def _shapes(state: Progress, most: int) -> Iterator[Text]:
    """A line for each shape that runs, the fullest first."""
    found = [shape for shape in state.shapes.values() if shape.running]
    found.sort(key=lambda shape: -shape.running)
    for shape in found[:most]:
        yield _shape(shape, state.score)
    if 0 < most < len(found):
        yield _line((f"and {count(len(found) - most, 'more shape')}", "dim"))


def _shape(shape: OfShape, score: Score) -> Text:
    text = _line(f"{shape.running:>3} of {shape.room:>3} running  ")
    if shape.best is not None:
        text.append(f"best {score.value(shape.best)}  ", style="green")
    text.append(brief(shape.settings) or "all of one shape", style="bold")
    return text


def _best_trials(state: Progress, most: int) -> Iterator[Text]:
    """The running trials with the best last epoch, and how many others there are."""

    def place(number: int) -> tuple[bool, float, int]:
        curve = state.running[number].curve
        return (not curve, -state.score.metric.key(curve[-1]) if curve else 0.0, number)

    found = sorted(state.running, key=place)
    for number in found[:most]:
        yield _trial(number, state.running[number], state.score)
    yield _line((f"and {len(found) - most} more", "dim"))


def _trial(number: int, trial: Running, score: Score) -> Text:
    text = _line(f"trial {number}  ")
    if trial.curve:
        text.append(f"{score.value(trial.curve[-1])} ")
        text.append(sparkline(trial.curve[-CURVE:]), style="cyan")
        text.append(f" {_far(trial, score)}  ")
    else:
        begun = f"{score.unit} 1" if score.every is None else f"before {score.at(1)}"
        text.append(f"{begun}, {duration(time.monotonic() - trial.began)}  ")
    text.append(brief(trial.params), style="dim")
    return text


def _far(trial: Running, score: Score) -> str:
    """The epoch that is being trained; of text the steps that are known to be done."""
    done = len(trial.curve)
    if score.every is None:
        return f"epoch {min(done + 1, trial.epochs)}/{trial.epochs}"
    return f"{score.at(done)}/{score.moment(trial.epochs)}"
