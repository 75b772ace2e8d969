"""The best accuracy that a kind of model can reach on xor and synth, where theory knows it.

Both data sets hide an exclusive-or: of (very, not) and (great, terrible) on synth, of the two words
on xor. The kinds are names; what number each is on given rows is counted where data is known.
Holds for one layer, a width of at least 2 in each head, and no vocabulary that is cut.
"""

from collections.abc import Iterator, Mapping
from itertools import product

from a3b_tune.study.file import StudyFile
from a3b_tune.study.scalars import Scalar
from a3b_tune.study.settings import Choices, Range, Setting

KINDS = ("constant", "three_of_four", "all")
"""From the worst to the best."""

ROW_LENGTH = {"xor": 2, "synth": 6}
"""Words in a row of the data that theory speaks of."""

WHY = {
    "constant": "the select pool of a baseline reads the first word alone, "
    "and that word says nothing about the class",
    "three_of_four": "the output is a weighted mean with one term per word, "
    "and no such mean separates an exclusive-or: one of its four patterns stays wrong",
    "all": "the output is not bound to be a weighted mean with one term per word, "
    "so all four patterns of the exclusive-or can be told apart",
}
"""Why no model of the kind can be better, or why one can be right on every row."""

Defaults = Mapping[str, Mapping[str, Setting | None]]


def ceiling_kind(
    data: str,
    model: str,
    pool: Scalar | None,
    positions: Scalar | None = "none",
    heads: Scalar | None = None,
    depth: Scalar | None = None,
) -> str | None:
    """The kind of ceiling of one trial's settings; None where theory says nothing, as it does for
    other data, other models and more than one layer.

    With the select pool and one head the softmax has one denominator, so the output is a weighted
    mean over words (or over pairs of word and position); a second head has its own denominator.
    Where the kind is "all", a model of width 8 was seen to get all four patterns right.
    """
    if data not in ROW_LENGTH or depth not in (None, 1):
        return None
    if model == "baseline":
        return {"mean": "three_of_four", "max": "all", "select": "constant"}.get(str(pool))
    if pool != "select" or positions not in ("none", "learned", "sinusoidal"):
        return None
    if model == "full_attention":
        if isinstance(heads, bool) or not isinstance(heads, int):
            return None
        if heads > 1:
            return "all"
    elif model != "simple_attention":
        return None
    # On xor the query is one of the two words. Without positions a mixed row gives a mean of what
    # (true, true) and (false, false) give; with them these two are themselves means.
    return "all" if data == "xor" and positions != "none" else "three_of_four"


def study_ceiling_kind(file: StudyFile, defaults: Defaults | None = None) -> str | None:
    """The best kind over all settings that the file allows; None where some of them that might be
    better are unknown. `defaults` holds, by model, what its settings are when the file is silent.
    """
    kinds = [ceiling_kind(file.data.name, *draw) for draw in _draws(file, defaults or {})]
    known = [kind for kind in kinds if kind is not None]
    if _other_rows(file) or ("all" not in known and None in kinds):
        return None
    return max(known, key=KINDS.index, default=None)


def _other_rows(file: StudyFile) -> bool:
    """Whether some trials may see less than whole rows, or more than their words."""
    lengths = [end for end in _values(file.data.max_length) if isinstance(end, int)]
    whole = ROW_LENGTH.get(file.data.name, 0)
    other = file.data.vocabulary is not None or file.data.bigrams is not None
    return other or any(length < whole for length in lengths)


def _draws(file: StudyFile, defaults: Defaults) -> Iterator[tuple[str, *tuple[Scalar | None, ...]]]:
    """Model, pool, positions, heads and depth of every draw that may matter."""
    for model in _values(file.model["name"]):
        own = {**defaults.get(str(model), {}), **file.model}
        names = ("pool", "positions", "heads", "depth")
        if model == "baseline":
            own = {"pool": own.get("pool")}
        for draw in product(*(_values(own.get(name)) for name in names)):
            yield str(model), *draw


def _values(setting: Setting | None) -> tuple[Scalar | None, ...]:
    """Every choice, or the two ends of a range: between them no kind is better than at both."""
    if isinstance(setting, Range):
        return setting.low, setting.high
    return setting.choices if isinstance(setting, Choices) else (setting,)
