"""A confirmation on the screen: a table, means with their intervals as dots and lines, sentences.

Knows no database and no race: it shows a verdict.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from a3b_tune.cli import figures
from a3b_tune.cli.printing import print_trim, print_whole
from a3b_tune.cli.ranking import ranking_table
from a3b_tune.cli.score import Score

if TYPE_CHECKING:
    from a3b_tune.finals.verdict import Row, Verdict
    from a3b_tune.results.trials import TrialRow

# A dot with its line, what the search said, where both meet; then the same in ASCII.
SIGNS, ASCII_SIGNS = tuple("─●○◉├┤"), tuple("-*oO||")
PLOT = 46
HOW = (
    "±: 95 % interval of the mean (Student's t); P(best): probability of being the best of these "
    "(Bayesian bootstrap over seeds); said: by the search, gap: by how much more"
)
LEVEL = 0.05


def print_confirmation(
    console: Console,
    name: str,
    told: "Verdict",
    score: Score,
    *,
    best: Sequence["TrialRow"],
    names: Sequence[str],
) -> None:
    """Prints a confirmation.

    :param best: the trials, for their settings `names`.
    """
    print_trim(console, confirmation(name, told, score, ascii_only=console.options.ascii_only))
    by_number = {row.number: row for row in best}
    trials = [by_number[row.trial] for row in told.rows if row.trial in by_number]
    if names and trials:
        heading = Text("\nTheir settings, as the search had them", style="bold")
        print_trim(console, Group(heading, ranking_table(trials, names, score, console.width)))
    console.print()
    for line in sentences(name, told, score):
        print_whole(console, line)
    print_trim(console, Text(HOW, style="dim"))


def confirmation(
    name: str, told: "Verdict", score: Score, *, ascii_only: bool = False
) -> RenderableType:
    """The table, and the same as a picture of text."""
    seeds = figures.count(len(told.seeds), "fresh seed")
    day = datetime.fromisoformat(told.when).astimezone()
    heading = f"{name}, confirmed on {seeds} ({day:%Y-%m-%d %H:%M})"
    return Group(
        Text(heading, style="bold"), _table(told, score), Text(), _plot(told, score, ascii_only)
    )


def sentences(name: str, told: "Verdict", score: Score) -> Iterator[Text]:
    """What it means."""
    winner = told.winner
    value = _mean(winner, score)
    yield Text.assemble(
        (f"Best: trial {winner.trial}, {value}", "bold green"),
        f", P(best) {_share(winner.probability)}; {_held(told)}",
    )
    yield Text(_flattered(told, score))
    for row in told.rows:
        for seed, fault in row.faults:
            worst = f"trial {row.trial}, seed {seed} counts as the worst: "
            yield Text.assemble((worst, "yellow"), fault)
    if told.against is not None:
        yield Text(sentence_against(name, told), style="bold")


def sentence_against(name: str, told: "Verdict") -> str:
    """`full_attention beats baseline by 0.0120 ± 0.0030 (p = 0.0004, 10 seeds)`."""
    other = told.against
    assert other is not None
    exact = "" if other.p_exact is None else f", by flipped signs {_p(other.p_exact)}"
    tests = f"paired t-test {_p(other.p)}{exact}, {other.seeds} seeds"
    pair = f"{name} (trial {told.winner.trial}) and {other.study} (trial {other.trial})"
    if other.p >= LEVEL:
        gap = f"{abs(other.mean):.4f} ± {other.half:.4f}"
        return f"{pair} cannot be told apart: they differ by {gap} ({tests})"
    gap = f"{abs(other.mean):.4f} ± {other.half:.4f} {told.metric}"
    first, second = (name, other.study) if other.mean > 0 else (other.study, name)
    return f"{first} beats {second} by {gap} ({tests})"


def _p(p: float) -> str:
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}".rstrip("0").rstrip(".")


def _held(told: "Verdict") -> str:
    equals = [row.trial for row in told.rows[1:] if row.mean == told.winner.mean]
    if equals:
        return f"as good is trial {figures.numbers(equals)}"
    if told.held:
        return "it is the search's best too"
    rows = {row.trial: row for row in told.rows}
    first = rows[told.searched]
    if first.dropped is not None:
        return f"the search's best, trial {first.trial}, was clearly behind"
    place = told.rows.index(first) + 1
    return f"the search's best, trial {first.trial}, comes {_ordinal(place)}"


def _ordinal(place: int) -> str:
    return {2: "second", 3: "third"}.get(place, f"in place {place}")


def _flattered(told: "Verdict", score: Score) -> str:
    """`The search said 0.912, it is 0.897 ± 0.006`, of the search's own best."""
    row = next(row for row in told.rows if row.trial == told.searched)
    of_all = f"said {abs(told.optimism):.4f} too {'good' if told.optimism > 0 else 'bad'}"
    if abs(told.optimism) < 0.5 * 0.1**4:
        of_all = "was right"
    return (
        f"Of trial {row.trial} the search said {score.value(row.said, short=True)}, "
        f"it is {_mean(row, score)}; over all settings it {of_all} on average"
    )


def _mean(row: "Row", score: Score) -> str:
    half = f"{row.half:.{_digits(score)}f}" if isfinite(row.half) else "?"
    return f"{score.value(row.mean)} ± {half}"


def _digits(score: Score) -> int:
    return len(score.value(0.5).partition(".")[2])


def _share(probability: float) -> str:
    if probability < 0.01:
        return "<1%"
    return ">99%" if probability > 0.99 else f"{probability:.0%}"


def _table(told: "Verdict", score: Score) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=True, header_style="dim")
    heads = ["", "trial", "seeds", f"mean {score.metric.name}", "P(best)", "said", "gap"]
    for head in heads:
        table.add_column(Text(head), justify="right", no_wrap=True)
    dropped = any(row.dropped is not None for row in told.rows)
    table.add_column("dropped" if dropped else "", no_wrap=True)
    for place, row in enumerate(told.rows, 1):
        out = "" if row.dropped is None else f"after {row.dropped}"
        style = "bold" if place == 1 else "dim" if row.dropped is not None else ""
        cells = (
            str(place),
            str(row.trial),
            str(row.seeds),
            _mean(row, score),
            _share(row.probability),
            score.value(row.said),
            f"{row.said - row.mean:+.4f}",
            out,
        )
        table.add_row(*map(Text, cells), style=style)
    return table


def _plot(told: "Verdict", score: Score, ascii_only: bool) -> Table:
    """A line for each setting, all on one scale."""
    ends = [end for row in told.rows for end in (*_interval(row), row.said)]
    low, high = min(ends), max(ends)
    grid = Table.grid(padding=(0, 0, 0, 2))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    for row in told.rows:
        style = "dim" if row.dropped is not None else "cyan"
        line = dots(row, low, high, ASCII_SIGNS if ascii_only else SIGNS)
        grid.add_row(Text(f"trial {row.trial}"), Text(line, style=style))
    left, right = score.value(low), score.value(high)
    grid.add_row("", Text(f"{left}{right:>{max(1, PLOT - len(left))}}", style="dim"))
    signs = ASCII_SIGNS if ascii_only else SIGNS
    grid.add_row("", Text(f"{signs[1]} mean, {signs[2]} what the search said", style="dim"))
    return grid


def _interval(row: "Row") -> tuple[float, float]:
    half = row.half if isfinite(row.half) else 0.0
    return row.mean - half, row.mean + half


def dots(row: "Row", low: float, high: float, signs: Sequence[str]) -> str:
    """A mean with its interval and what the search said, on a scale from `low` to `high`."""
    line, dot, said, both, opens, closes = signs

    def place(value: float) -> int:
        return round((value - low) / (high - low) * (PLOT - 1)) if high > low else PLOT // 2

    cells = [" "] * PLOT
    first, last = map(place, _interval(row))
    cells[first : last + 1] = line * (last + 1 - first)
    if last > first:
        cells[first], cells[last] = opens, closes
    cells[place(row.said)] = said
    cells[place(row.mean)] = both if place(row.said) == place(row.mean) else dot
    return "".join(cells).rstrip()
