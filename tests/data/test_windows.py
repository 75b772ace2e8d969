import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.data.windows import (
    CONTEXT,
    Windows,
    all_windows,
    fixed_windows,
    fresh_windows,
    take,
)

shapes = st.tuples(*(st.integers(1, n) for n in (20, 4, 5)))  # length, size, steps


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def text_of(tokens: int) -> torch.Tensor:
    """A text in which each token tells its place."""
    return torch.arange(tokens, dtype=torch.int32)


@given(shapes, st.integers(1, 30))
def test_targets_are_the_tokens_one_place_on(shape, more):
    length, size, steps = shape
    made = Windows(text_of(length + more), length, size, steps)
    batches = list(made.epoch(seeded()))
    assert len(batches) == len(made) == steps and made.sizes == [size] * steps
    for tokens, labels in batches:
        assert tokens.shape == labels.shape == (size, length)
        assert tokens.dtype == labels.dtype == torch.int64
        assert torch.equal(tokens + 1, labels)
        assert torch.equal(tokens - tokens[:, :1], torch.arange(length).expand(size, -1))


@given(shapes, st.integers(1, 4))
def test_a_stack_reads_what_each_member_would_read_alone(shape, members):
    made = Windows(text_of(50), *shape)
    orders = torch.stack([made.order(seeded(n)) for n in range(members)])
    for turn, (tokens, labels) in enumerate(made.stacked(orders)):
        for member in range(members):
            alone = list(made.epoch(seeded(member)))[turn]
            assert torch.equal(tokens[member], alone[0]) and torch.equal(labels[member], alone[1])
    places = list(made.places(orders))
    assert all(torch.equal(take(made.table, p)[0][..., 0], p) for p in places)
    middle = list(made.stacked(orders))[len(made) // 2]
    assert torch.equal(made.middle(orders)[0], middle[0])
    assert torch.equal(made.longest(orders)[1], middle[1])


def test_every_place_is_drawn_and_equally_often():
    made = Windows(text_of(12), 8, 100, 100)
    starts = made.order(seeded())
    assert torch.bincount(starts, minlength=4).sub(2500).abs().max() < 220  # five deviations
    assert made.table.shape == (4, 9)


def test_the_text_stays_where_and_as_it_is():
    text = torch.arange(200, dtype=torch.uint8)
    made = Windows(text, 50, 4, 3)
    assert made.table.data_ptr() == text.data_ptr() and made.table.dtype == torch.uint8
    assert made.table.untyped_storage().nbytes() == 200
    tokens, labels = next(made.epoch(seeded()))
    assert not tokens.requires_grad and not labels.requires_grad


def test_a_generator_goes_on_and_the_same_seed_gives_the_same():
    made, generator = Windows(text_of(1000), 5, 8, 4), seeded()
    first, second = made.order(generator), made.order(generator)
    assert not torch.equal(first, second)
    assert torch.equal(first, made.order(seeded()))


@pytest.mark.parametrize("tokens", [1, 8])
def test_a_text_without_a_window_is_refused(tokens):
    for make in (
        lambda text: Windows(text, 8, 1, 1),
        lambda text: fixed_windows(text, 8, 1),
        lambda text: fresh_windows(text, 8, 1, seeded()),
    ):
        with pytest.raises(ValueError, match=f"{tokens} tokens hold no window of 8 and a target"):
            make(text_of(tokens))


def test_an_epoch_of_nothing_is_refused():
    with pytest.raises(ValueError, match="0 steps of 3 windows of 8 tokens are nothing"):
        Windows(text_of(20), 8, 3, 0)


@given(st.integers(1, CONTEXT), st.integers(1, CONTEXT))
def test_two_lengths_are_scored_on_the_same_targets(one, other):
    text = text_of(3 * CONTEXT)
    targets = [fixed_windows(text, length, 50) + length for length in (one, other)]
    assert torch.equal(*targets)
    assert int(targets[0].min()) >= CONTEXT


@given(st.integers(2, 3000), st.data())
def test_fixed_windows_lie_in_the_text(tokens, data):
    length = data.draw(st.integers(1, tokens - 1))
    starts = fixed_windows(text_of(tokens), length, 100)
    assert torch.equal(starts, fixed_windows(text_of(tokens), length, 300)[:100])
    windows = all_windows(text_of(tokens), length)[starts]
    assert torch.equal(windows[:, -1], (starts + length).int())


def test_fresh_windows_differ_from_seed_to_seed_and_reach_both_ends():
    text = text_of(20)
    one, again, other = (fresh_windows(text, 8, 500, seeded(n)) for n in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert (int(one.min()), int(one.max())) == (0, 11)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpu_sees_the_same_windows():
    here, there = (Windows(text_of(500).to(where), 16, 4, 3) for where in ("cpu", "cuda"))
    for one, other in zip(here.epoch(seeded()), there.epoch(seeded()), strict=True):
        assert other[0].is_cuda and torch.equal(one[0], other[0].cpu())
    assert torch.equal(
        fixed_windows(there.table[:, 0], 8, 9).cpu(), fixed_windows(text_of(484), 8, 9)
    )
