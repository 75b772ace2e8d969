import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.training.looking import LOOK, LOOKS, Looking


def looked(steps: int, grouped: bool) -> list[int]:
    looking = Looking(steps, grouped, torch.zeros(()))
    return [index for index in range(steps) if looking.at(index)]


@given(st.integers(1, 500))
def test_groups_of_a_texts_steps_differ_by_one_at_most(steps):
    ends = looked(steps, True)
    sizes = [high - low for low, high in zip([-1, *ends], ends, strict=False)]
    assert len(ends) == min(steps, LOOKS)
    assert sum(sizes) == steps
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 500))
def test_rows_are_looked_at_every_so_many_steps_and_at_the_end(steps):
    ends = looked(steps, False)
    assert ends[-1] == steps - 1
    assert all(index % LOOK == LOOK - 1 for index in ends[:-1])
    assert len(ends) == -(-steps // LOOK)


def test_each_member_is_told_its_own_means_by_its_own_steps():
    looking = Looking(20, True, torch.zeros(2))
    for index in range(20):
        looking.add(torch.tensor([float(index), 1.0]), 8)
        if looking.at(index):
            looking.look(torch.tensor([2.0, 0.5 * index]), [0.1, index / 100])
    one, two = looking.told([0, 40])
    assert [look.step for look in one] == list(range(2, 21, 2))
    assert [look.step for look in two] == list(range(42, 61, 2))
    assert [look.loss for look in one] == [index + 0.5 for index in range(0, 20, 2)]
    assert {look.gradient_norm for look in one} == {2.0}
    assert [look.lr for look in two] == [index / 100 for index in range(1, 20, 2)]
    assert looking.losses.tolist() == [9.5, 1.0]
    assert looking.norms.tolist() == [2.0, 5.0]


def test_of_rows_there_are_means_but_no_looks():
    looking = Looking(20, False, torch.zeros(()))
    for index in range(20):
        looking.add(torch.tensor(float(index)), 1 if index < 19 else 2)
        if looking.at(index):
            looking.look(torch.tensor(float(index)), [0.1])
    assert looking.told([0]) == [()]
    assert float(looking.losses) == pytest.approx((sum(range(20)) + 19) / 21)
    assert float(looking.norms) == (15 + 19) / 2
