"""What is said of a study on text beside its best value: fresh windows, the ideal predictor,
sampled sentences, and the floor.

Knows no database and no screen: lines come out.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from a3b_tune.cli import figures

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview

# What follows the best value.
BITS = "bits at the last {unit} of fixed windows"


def best_words(overview: "StudyOverview") -> str:
    """What the best value is a number of."""
    if not overview.file.is_text:
        return "validation accuracy"
    return BITS.format(unit=overview.data.get("unit", "token"))


def score_lines(scores: Mapping[str, float]) -> Iterator[Text]:
    """What a trial measured beside its value, the most telling number first; nothing of what it did
    not measure."""
    if "validation_loss" in scores:
        yield Text(f"validation loss after the last epoch: {scores['validation_loss']:.4f}")
    if "final_bits" in scores:
        yield Text(f"fresh windows: {_with_error(scores, 'final_bits')}")
    name = "final_excess" if "final_excess" in scores else "excess"
    if name in scores:
        told = _with_error(scores, name)
        yield Text.assemble("excess over the ideal predictor: ", (told, "bold"))
    name = "final_bits_all" if "final_bits_all" in scores else "bits_all"
    if name in scores:
        yield Text(f"all positions: {_with_error(scores, name)}")
    if scores.get("sentences"):
        sentences = figures.count(round(scores["sentences"]), "sampled sentence")
        line = f"{sentences}: {scores['valid_share']:.1%} valid"
        if "sentence_bits" in scores:
            line += f", of {scores['sentence_bits']:.1f} bits each"
        yield Text(line)


def floor_line(overview: "StudyOverview") -> Text:
    """The source's entropy, and whether the best trial has come down to it."""
    floor = overview.floor
    assert floor is not None
    unit = overview.data.get("unit", "token")
    value = f"{floor.value:.4f} ± {floor.error:.4f} bits per {unit}"
    if overview.standing == "at":
        return Text.assemble(("Done: the floor is reached, ", "green"), f"{value}: {floor.why}")
    return Text(f"Floor: {value}: {floor.why}")


def _with_error(scores: Mapping[str, float], name: str) -> str:
    """`0.5583 ± 0.0061`."""
    error = scores.get(f"{name}_error")
    return f"{scores[name]:.4f}" + ("" if error is None else f" ± {error:.4f}")
