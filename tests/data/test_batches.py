import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.data import batches
from a3b_tune.data.batches import Batches
from a3b_tune.data.rows import Rows

row = st.lists(st.integers(4, 9), min_size=1, max_size=6)
some_rows = st.lists(row, min_size=1, max_size=40).map(
    lambda x: Rows.from_lists(x, [n % 3 for n in range(len(x))])
)
one_length = st.integers(1, 5).flatmap(
    lambda t: st.lists(st.lists(st.integers(4, 9), min_size=t, max_size=t), min_size=1)
)
how = st.one_of(
    st.fixed_dictionaries({"size": st.integers(1, 50)}),
    st.fixed_dictionaries({"tokens": st.integers(1, 60)}),
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(some) -> list:
    """(row without padding, label) of every row in some batches, sorted."""
    found = []
    for tokens, labels, *_ in some:
        for line, label in zip(tokens.tolist(), labels.tolist(), strict=True):
            found.append(([t for t in line if t], label))
    return sorted(found)


def every(rows: Rows) -> list:
    return sorted(zip(*map(list, rows.to_lists()), strict=True), key=lambda p: (p[0], p[1]))


@given(some_rows, how)
def test_an_epoch_is_every_row_once(rows, how):
    whole = pairs(Batches(rows, **how).epoch(seeded()))
    assert whole == [(x, y) for x, y in every(rows)]


@given(some_rows, how, st.integers(1, 50))
def test_evaluation_is_every_row_once_from_short_to_long(rows, how, size):
    some = list(Batches(rows, **how).in_order(size))
    assert pairs(some) == [(x, y) for x, y in every(rows)]
    lengths = [int((line != 0).sum()) for tokens, _, _ in some for line in tokens]
    assert lengths == rows.lengths.tolist()


@given(some_rows, how)
def test_padding_is_on_the_right_and_no_more_than_needed(rows, how):
    for tokens, _ in Batches(rows, **how).epoch(seeded()):
        real = tokens != 0
        assert bool((real[:, 1:] <= real[:, :-1]).all())
        assert bool(real[:, -1].any())
        assert tokens.dtype == torch.int64


@given(some_rows, st.integers(1, 50))
def test_a_fixed_size_leaves_one_smaller_batch_at_most(rows, size):
    made = Batches(rows, size=size)
    sizes = sorted(len(labels) for _, labels in made.epoch(seeded()))
    assert len(sizes) == len(made) == -(-len(rows) // size)
    assert sizes[1:] == [size] * (len(sizes) - 1)


@given(some_rows, st.integers(1, 60))
def test_a_token_budget_is_kept_and_used(rows, tokens):
    made = Batches(rows, tokens=tokens)
    for low, high in zip(made.bounds, made.bounds[1:], strict=False):
        longest = made.lengths[high - 1]
        assert (high - low) * longest <= tokens or high - low == 1
        if high < len(rows):  # one row more would not have fitted
            assert (high - low + 1) * made.lengths[high] > tokens


@given(one_length, how)
def test_the_path_for_one_length_gives_what_the_other_gives(x, how):
    rows = Rows.from_lists(x, [n % 2 for n in range(len(x))])
    fast = Batches(rows, **how)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "TABLE_LIMIT", 0)
        slow = Batches(rows, **how)
    assert fast.table is not None and slow.table is None
    for one, other in zip(fast.epoch(seeded(3)), slow.epoch(seeded(3)), strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


@given(some_rows, how)
def test_the_same_seed_is_the_same_order(rows, how):
    made = Batches(rows, **how)
    again = Batches(rows, **how)
    for one, other in zip(made.epoch(seeded(7)), again.epoch(seeded(7)), strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


def test_epochs_and_seeds_differ_and_both_rows_and_batches_are_shuffled():
    rows = Rows.from_lists([[4 + n % 5] * (1 + n // 20) for n in range(100)], list(range(100)))
    made, generator = Batches(rows, size=10), seeded()

    def labels(source: torch.Generator) -> list:
        return [y.tolist() for _, y in made.epoch(source)]

    first, second, other = labels(generator), labels(generator), labels(seeded(1))
    assert first != second and first != other
    assert [sorted(y) for y in first] != sorted(sorted(y) for y in first)
    # Rows only change places with rows of their own length, so no batch here needs padding.
    assert all(bool((x != 0).all()) for x, _ in made.epoch(generator))


def test_rows_of_equal_length_are_shuffled_evenly():
    rows, generator = Rows.from_lists([[4]] * 4, range(4)), seeded()
    made = Batches(rows, size=1)
    first = torch.tensor([int(next(made.epoch(generator))[1]) for _ in range(4000)])
    assert torch.bincount(first).sub(1000).abs().max() < 150  # five standard deviations


def test_counts_come_with_the_rows():
    rows = Rows.from_lists([[4], [5, 6], [4]], [0, 1, 0]).distinct()
    found = [(x.tolist(), n.tolist()) for x, _, n in Batches(rows, size=8).in_order(8)]
    assert found == [([[4, 0], [5, 6]], [2, 1])]


def test_a_cut_shortens_the_batches():
    rows = Rows.from_lists([[4] * 9, [5] * 2], [0, 1]).cut(3)
    (tokens, _, _), *_ = Batches(rows, size=2).in_order(2)
    assert tokens.tolist() == [[5, 5, 0], [4, 4, 4]]


@pytest.mark.parametrize("how", [{}, {"size": 2, "tokens": 2}, {"size": 0}, {"tokens": -1}])
def test_a_batch_of_nothing_is_refused(how):
    with pytest.raises(ValueError, match=r"either a size|is empty"):
        Batches(Rows.from_lists([[4]], [0]), **how)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("lengths", [[3] * 50, list(range(1, 51))])
def test_the_gpu_sees_the_same_batches(lengths):
    rows = Rows.from_lists([[4] * n for n in lengths], range(50))
    here, there = Batches(rows, size=8), Batches(rows.to("cuda"), size=8)
    for one, other in zip(here.epoch(seeded()), there.epoch(seeded()), strict=True):
        assert other[0].is_cuda
        assert torch.equal(one[0], other[0].cpu()) and torch.equal(one[1], other[1].cpu())
