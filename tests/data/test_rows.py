from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.data.rows import Rows

row = st.lists(st.integers(4, 7), min_size=1, max_size=5)
labelled = st.lists(st.tuples(row, st.integers(0, 2)), min_size=1, max_size=30)


def rows_of(pairs) -> Rows:
    return Rows.from_lists([x for x, _ in pairs], [y for _, y in pairs])


@given(labelled)
def test_rows_come_back_sorted_by_length_stably(pairs):
    x, y = rows_of(pairs).to_lists()
    assert list(zip(x, y, strict=True)) == sorted(pairs, key=lambda pair: len(pair[0]))


@given(labelled, st.integers(1, 6))
def test_a_cut_keeps_each_rows_beginning(pairs, length):
    rows = rows_of(pairs)
    assert rows.cut(length).to_lists()[0] == [x[:length] for x in rows.to_lists()[0]]
    assert rows.cut(length).tokens is rows.tokens


@given(labelled, st.integers(1, 6))
def test_packing_changes_no_row_and_leaves_no_token_over(pairs, length):
    cut = rows_of(pairs).cut(length)
    packed = cut.packed()
    assert packed.to_lists() == cut.to_lists()
    assert len(packed.tokens) == packed.total
    assert packed.packed() is packed


@given(labelled, st.integers(1, 6))
def test_distinct_rows_are_distinct_sorted_and_counted(pairs, length):
    rows = rows_of(pairs).cut(length)
    distinct = rows.distinct()
    seen = Counter(zip(map(tuple, rows.to_lists()[0]), rows.to_lists()[1], strict=True))
    x, y = distinct.to_lists()
    counted = dict(zip(zip(map(tuple, x), y, strict=True), distinct.counts.tolist(), strict=True))
    assert counted == seen
    assert len(distinct) == len(seen)
    assert distinct.lengths.tolist() == sorted(distinct.lengths.tolist())


def test_distinct_of_distinct_keeps_the_counts():
    rows = Rows.from_lists([[4, 5], [4, 5], [4, 6]], [0, 0, 0]).distinct()
    assert rows.cut(1).distinct().counts.tolist() == [3]


def test_equal_tokens_of_another_class_are_another_row():
    assert len(Rows.from_lists([[4], [4]], [0, 1]).distinct()) == 2


def test_rare_words_become_unknown():
    rows = Rows.from_lists([[4, 9, 5], [9]], [0, 1]).first_words(6)
    assert rows.to_lists() == ([[3], [4, 3, 5]], [1, 0])


def test_only_the_chosen_rows_are_taken():
    tokens = torch.tensor([4, 5, 6, 7], dtype=torch.int32)
    chosen = torch.tensor([True, False, True])
    rows = Rows.from_flat(tokens, torch.tensor([2, 1, 1]), torch.tensor([0, 1, 2]), chosen)
    assert rows.to_lists() == ([[7], [4, 5]], [2, 0])


def test_the_types_are_as_said():
    rows = Rows.from_lists([[4, 5]], [1])
    kinds = [t.dtype for t in (rows.tokens, rows.starts, rows.lengths, rows.labels, rows.counts)]
    assert kinds == [torch.int32] + [torch.int64] * 4


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [([[4], []], [0, 1], "row 1 has no tokens"), ([[4]], [0, 1], "do not belong together")],
)
def test_rows_that_cannot_be_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        Rows.from_lists(x, y)


def test_a_cut_to_nothing_is_refused():
    with pytest.raises(ValueError, match="cut to 0"):
        Rows.from_lists([[4]], [0]).cut(0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_rows_are_the_same_on_the_gpu():
    rows = Rows.from_lists([[4, 5], [6], [4, 5]], [0, 1, 0]).cut(1)
    assert rows.to("cuda").distinct().to_lists() == rows.distinct().to_lists()
