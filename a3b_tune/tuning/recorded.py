"""A trial's stored epochs as a person looks at them: samples as a text, curves as a picture.

Knows neither storage nor learner: epochs go in as they are stored, text and bytes come out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from a3b_tune.tuning.drawing import Panel, draw
from a3b_tune.tuning.measured import LOOKS, SAMPLE

Epochs = Sequence[Mapping[str, Any]]
RULE = "-" * 72


def samples_text(epochs: Epochs, metric: str, every: int, seed_length: int) -> str:
    """All samples of a trial, the first one first, each under its step, what was measured then and
    the seed that it goes on from.

    :param every: steps between two evaluations.
    :param seed_length: how many characters of a sample are its seed.
    """
    parts = [
        f"{_heading(epoch, metric, every, seed_length)}\n\n{epoch[SAMPLE]}\n"
        for epoch in epochs
        if epoch.get(SAMPLE) is not None
    ]
    return f"\n{RULE}\n\n".join(parts)


def _heading(epoch: Mapping[str, Any], metric: str, every: int, seed_length: int) -> str:
    told = [f"step {int(epoch['epoch']) * every}", f"{metric} {epoch[metric]:.4f}"]
    if "excess" in epoch:
        told.append(f"excess {epoch['excess']:.4f}")
    told += [f"loss {epoch['loss']:.4f}", f"seed {epoch[SAMPLE][:seed_length]!r}"]
    return ", ".join(told)


def curves_png(
    epochs: Epochs,
    metric: str,
    title: str,
    *,
    every: int | None = None,
    best_epoch: int | None = None,
    line: tuple[str, float] | None = None,
) -> bytes:
    """A trial's curves as PNG: its metric, its loss, its gradient norm and its learning rate.

    :param every: steps between two evaluations; None where an epoch is one pass over rows.
    :param best_epoch: to be marked.
    :param line: the ceiling or the floor of the metric, with its name.
    :raises ImportError: matplotlib is not there.
    """
    return draw(
        list(_panels(epochs, metric, every, best_epoch, line)), title, "step" if every else "epoch"
    )


def _panels(
    epochs: Epochs,
    metric: str,
    every: int | None,
    best_epoch: int | None,
    line: tuple[str, float] | None,
) -> Iterator[Panel]:
    steps = [epoch["epoch"] * (every or 1) for epoch in epochs]
    values = [epoch[metric] for epoch in epochs]
    by_step = dict(zip(steps, values, strict=True))
    best = -1 if best_epoch is None else best_epoch * (every or 1)
    name = "step" if every else "epoch"
    dot = (f"best: {name} {best}", float(best), by_step[best]) if best in by_step else None
    beside = [
        (told, steps, [epoch[key] for epoch in epochs])
        for key, told in (("bits_all", "all tokens"),)
        if all(key in epoch for epoch in epochs)
    ]
    yield Panel(
        headings(metric)[0],
        steps,
        values,
        name="last token" if beside else None,
        others=beside,
        line=line,
        dot=dot,
    )
    if every and epochs and all("excess" in epoch for epoch in epochs):
        excess = [epoch["excess"] for epoch in epochs]
        yield Panel("excess over the ideal predictor, bits", steps, excess, log=True)
    yield from _training(epochs, steps)


def headings(metric: str) -> tuple[str, str]:
    """What stands over a metric's curve, and over the training loss."""
    validation = "bits of the last token" if metric == "bits" else f"validation {metric}"
    return validation, "training loss"


def _training(epochs: Epochs, steps: Sequence[int]) -> Iterator[Panel]:
    """Loss, gradient norm and rate, by look where there are looks."""
    looks = [look for epoch in epochs for look in epoch.get(LOOKS, ())]
    if looks:
        xs: Sequence[float] = [look[0] for look in looks]
        columns = [[look[place] for look in looks] for place in (1, 2, 3)]
    else:
        xs = steps
        columns = [[epoch[key] for epoch in epochs] for key in ("loss", "gradient_norm", "lr")]
    names = (headings("")[1], "gradient norm", "learning rate")
    for name, ys in zip(names, columns, strict=True):
        yield Panel(name, xs, ys, from_zero=name == "learning rate", dots=not looks)
