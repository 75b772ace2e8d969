"""Answers by trying out the code itself: padding, batches, attention, windows, masking.

Each makes its measurements anew. Knows no study.
"""

from a3b_tune.results.course import attending, padding
from a3b_tune.results.course.evidence import Evidence
from a3b_tune.results.course.section import Answer, measured, share
from a3b_tune.results.course.slicing import slicing
from a3b_tune.results.report.blocks import (
    Block,
    Facts,
    Inline,
    Paragraph,
    Plot,
    Plots,
    Series,
    Table,
)

Pair = tuple[str, list[Inline]]

TRACE = (
    "The kernel that trains on this machine gives a masked key not no weight but the smallest that "
    "its exponential knows: too little to change any float32 number of ordinary size."
)
# A gradient below this moves no weight that float32 can hold.
NOTHING = 1e-30
# Sums of float64 in another order differ by less.
ROUNDING = 1e-9
# Of float32.
ROUNDING_SINGLE = 1e-5


def conversion(evidence: Evidence) -> Answer:
    """Question 1."""
    found = padding.conversion(evidence.rows)
    unlike = measured(found.unlike, "tokens that differ from pad_sequence's")
    facts: list[Pair] = [
        ("rows", [measured(found.rows, "rows"), f" {evidence.rows_name}"]),
        ("a batch", [measured(found.shape[0], "rows of the batch"), " rows × ",
                     measured(found.shape[1], "positions of the batch"), " positions, int64"]),
        ("padding in it", [measured(found.padding, "padding in the batch"), " places"]),
        ("unlike a loop with pad_sequence", [unlike, " places"]),
    ]  # fmt: skip
    changes: list[list[list[Inline]]] = [
        [[name], [measured(change, f"change of {name}'s outputs by more padding")]]
        for name, change in found.changes.items()
    ]
    table = Table(
        ["model", "largest change"],
        changes,
        "By how much outputs change when more padding follows (float64)",
        (False, True),
    )
    largest = max(found.changes.values())
    good = found.unlike == 0 and largest < ROUNDING
    sentence: list[Inline] = [
        "Rows become one tensor per batch, padded on the right; ",
        unlike,
        " places differ from PyTorch's own padding, and more padding changes no model's output by "
        "more than ",
        measured(largest, "largest change of any model's outputs"),
        ": padding is " + ("not read." if good else "read, which is a fault."),
    ]
    return Answer(sentence, [Facts(facts), table])


def batches(evidence: Evidence) -> Answer:
    """Question 2."""
    found = padding.strategies(evidence.rows)
    rows: list[list[list[Inline]]] = [
        [
            [each.name],
            [measured(each.batches, f"batches, {each.name}")],
            [measured(each.positions, f"positions, {each.name}")],
            [share(each.share, f"share of padding, {each.name}")],
        ]
        for each in found
    ]
    table = Table(
        ["batches", "number", "positions", "padding"],
        rows,
        f"All rows once: {evidence.rows_name}",
        (False, True, True, True),
    )
    bars = Series("padding", [each.name for each in found], [each.share for each in found], "bar")
    plot = Plot(
        "Padding by how batches are cut",
        [bars],
        "batches",
        "share of positions",
        "measured in this run",
        "Random order has by far the most padding.",
    )
    random, ordered = found[0], found[1]
    ratio = random.positions / ordered.positions
    sentence: list[Inline] = [
        "Sorted by length, ",
        share(ordered.share, "share of padding, sorted by length"),
        " of all positions are padding instead of ",
        share(random.share, "share of padding, random order"),
        ", so a model computes ",
        measured(ratio, "positions in random order for one when sorted", f"{ratio:.2f}"),
        " times less for the same rows.",
    ]
    return Answer(sentence, [table, Plots([plot])])


def simple(_evidence: Evidence) -> Answer:
    """Question 4."""
    found = attending.simple()
    rows = [
        ("from the definition as a loop", found.loop),
        ("of a sum of weights from one", found.sums),
        ("of outputs, for inputs in another order", found.order),
    ]
    largest = max(value for _, value in rows)
    good = largest < ROUNDING
    sentence: list[Inline] = [
        "Simple self-attention is two matrix products with a softmax between them and has no "
        "weights of its own; it differs from its definition by at most ",
        measured(found.loop, rows[0][0]),
        f", which is {'rounding' if good else 'more than rounding, and so a fault'}.",
    ]
    return Answer(sentence, [_differences(rows)])


def full(_evidence: Evidence) -> Answer:
    """Question 6."""
    pytorch, spreads = attending.heads(), attending.spreads()
    rows: list[list[list[Inline]]] = [
        [
            [measured(each.length, "length of the vectors")],
            [measured(each.plain, f"spread of products, length {each.length}")],
            [measured(each.scaled, f"spread of scaled products, length {each.length}")],
            [share(each.plain_weight, f"likeliest weight, length {each.length}")],
            [share(each.scaled_weight, f"likeliest scaled weight, length {each.length}")],
        ]
        for each in spreads
    ]
    table = Table(
        ["vector length", "spread", "scaled", "weight of the likeliest key", "scaled"],
        rows,
        "Products of vectors of normal numbers, and the softmax over them",
        (True,) * 5,
    )
    xs = [float(each.length) for each in spreads]
    plain = Series("as they are", xs, [each.plain for each in spreads])
    scaled = Series("scaled", xs, [each.scaled for each in spreads])
    plot = Plot(
        "Spread of products",
        [plain, scaled],
        "vector length",
        "standard deviation",
        "measured in this run",
        "Unscaled it grows with the root of the length; scaled it stays.",
        log_x=True,
        log_y=True,
    )
    longest = spreads[-1]
    sentence: list[Inline] = [
        "Heads are computed as PyTorch's layer computes them (largest difference ",
        measured(pytorch, "difference from nn.MultiheadAttention"),
        "); unscaled, products of the longest vectors spread by ",
        measured(longest.plain, f"spread of products, length {longest.length}"),
        " and give ",
        share(longest.plain_weight, f"likeliest weight, length {longest.length}"),
        " of the weight to one key, scaled by ",
        measured(longest.scaled, f"spread of scaled products, length {longest.length}"),
        " and ",
        share(longest.scaled_weight, f"likeliest scaled weight, length {longest.length}"),
        ".",
    ]
    return Answer(sentence, [table, Plots([plot])])


def windows(_evidence: Evidence) -> Answer:
    """Question 10."""
    found = slicing()
    facts: list[Pair] = [
        ("tokens that differ from a loop's", [measured(found.unlike, "tokens unlike the loop's")]),
        ("targets that are not the next input", [measured(found.shifted, "targets not shifted")]),
        ("in one operation", [_rate(found.at_once, "at once"), " windows a second"]),
        ("by a loop", [_rate(found.loop, "by a loop"), " windows a second"]),
    ]
    times = found.at_once / found.loop
    good = found.unlike == found.shifted == 0
    sentence: list[Inline] = [
        f"One operation takes {'the very same' if good else 'other'} windows as a loop, ",
        measured(times, "windows at once for one by a loop", f"{times:.1f}"),
        " times as quickly, and its targets are the inputs one token on.",
    ]
    return Answer(sentence, [Facts(facts)])


def masking(_evidence: Evidence) -> Answer:
    """Question 11."""
    found = attending.masking()
    rows: list[tuple[str, float]] = [
        ("gradient with respect to a later input, in float64", found.later),
        ("the same in float32, by the kernel that trains here", found.later_single),
        ("the same without the mask", found.unmasked),
        ("smallest gradient with respect to an output's own input", found.own),
        ("outputs that change when all that comes later is another", found.changed),
        ("difference from PyTorch's causal attention", found.pytorch),
        ("difference from a softmax with the mask written down", found.written),
    ]
    unlike = max(found.pytorch, found.written)
    good = found.later == found.changed == 0 and found.later_single < NOTHING < found.own
    holds = good and unlike < ROUNDING_SINGLE
    sentence: list[Inline] = [
        "No output sees what comes after it: " if holds else "The mask does not hold: ",
        "the largest gradient with respect to a later input is ",
        measured(found.later, rows[0][0]),
        " (without the mask ",
        measured(found.unmasked, rows[2][0]),
        "), ",
        measured(found.changed, rows[4][0]),
        " outputs change when all that comes after them is another, and PyTorch's causal attention "
        "differs by at most ",
        measured(found.pytorch, rows[5][0]),
        ".",
    ]
    blocks: list[Block] = [_differences(rows)]
    if found.later_single:
        blocks.append(Paragraph([TRACE], "note"))
    return Answer(sentence, blocks)


def _rate(value: float, what: str) -> Inline:
    return measured(value, f"windows a second {what}", f"{value:,.0f}".replace(",", " "))


def _differences(rows: list[tuple[str, float]]) -> Table:
    cells: list[list[list[Inline]]] = [[[name], [measured(value, name)]] for name, value in rows]
    return Table(["largest value", ""], cells, "", (False, True))
