"""How large a stack is chosen to be, and remembered."""

import pytest

from a3b_tune.errors import InputError
from a3b_tune.training import stack_size
from a3b_tune.training.shape import Shape
from a3b_tune.training.stack_size import MOST, Measured, StackSizes, check_stack
from a3b_tune.training.stacked import StackedLearner

SMALL = Shape.of({"model.name": "baseline", "model.width": 4, "training.batch_size": 64})


@pytest.fixture
def sizes(monkeypatch, tmp_path, xor):
    """With a cache of its own, and a count of measurements."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def make(asked="auto"):
        made = StackSizes(xor, asked)
        made.measured = []
        real = made._measure
        made._measure = lambda shape, most: made.measured.append(most) or real(shape, most)
        return made

    return make


def costs(monkeypatch, by_size):
    """Seconds of a member's step by size, instead of those measured."""
    monkeypatch.setattr(StackSizes, "_step_seconds", lambda self, shape, slots: by_size(slots))
    monkeypatch.setattr(stack_size.PlainLearner, "step_seconds", lambda self, steps: by_size(1))


def test_the_size_is_where_a_members_step_is_cheapest(sizes, monkeypatch):
    costs(monkeypatch, lambda slots: 1e-3 * (1 / slots + slots / 256))  # least at 16
    assert sizes().size(SMALL, 200) == 16
    assert sizes().size(SMALL, 5) == 5


def test_the_real_size_of_a_small_shape_is_more_than_one(sizes):
    assert 4 <= sizes().size(SMALL, 64) <= 64


def test_what_was_measured_is_remembered_by_the_next_worker(sizes, monkeypatch):
    costs(monkeypatch, lambda slots: 1e-3 * (1 / slots + slots / 256))
    first, second = sizes(), sizes()
    assert first.size(SMALL, 200) == second.size(SMALL, 100) == 16
    assert (len(first.measured), len(second.measured)) == (1, 0)


def test_a_search_for_more_than_was_tried_is_measured_again(sizes, monkeypatch):
    costs(monkeypatch, lambda slots: 1e-3 / slots)
    made = sizes()
    assert made.size(SMALL, 8) == 8
    assert made.size(SMALL, 4) == 4
    assert made.size(SMALL, 32) == 32
    assert made.measured == [8, 32]
    assert made.size(SMALL, 10 * MOST) == MOST


def test_a_step_that_fills_a_core_is_taken_alone(sizes, monkeypatch):
    costs(monkeypatch, lambda slots: 1.0 / slots)
    assert sizes().size(SMALL, 64) == 1


def test_what_does_not_fit_into_memory_is_not_taken(sizes, monkeypatch):
    costs(monkeypatch, lambda slots: 1e-3 / slots)
    monkeypatch.setattr(
        StackSizes,
        "_step_seconds",
        lambda self, shape, slots: 1e-3 / slots if slots <= 8 else None,
    )
    made = sizes()
    assert made.size(SMALL, 64) == 8
    costs(monkeypatch, lambda slots: 1e-3 / slots)
    assert sizes().size(SMALL, 64) == 64, "another day there may be more memory"
    assert made.too_large(SMALL, 8) == 4
    assert made.size(SMALL, 64) == 4
    assert made.too_large(SMALL, 1) == 1


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_memory_that_runs_out_while_measuring_is_an_answer(sizes, monkeypatch, error):
    def refuse(self, recipe):
        raise error

    monkeypatch.setattr(StackedLearner, "add", refuse)
    assert sizes().size(SMALL, 64) == 1


def test_a_number_asked_for_is_taken_as_it_is(sizes):
    made = sizes("7")
    assert made.size(SMALL, 64) == 7
    assert made.size(SMALL, 3) == 3
    assert made.measured == []


@pytest.mark.parametrize("text", ["", "null", "[1]", '{"a": 3}', '{"a": ["x", 1]}'])
def test_a_cache_that_is_damaged_is_measured_anew(sizes, monkeypatch, text):
    costs(monkeypatch, lambda slots: 1e-3 / slots)
    made = sizes()
    made._file.parent.mkdir(parents=True, exist_ok=True)
    made._file.write_text(text)
    assert made.size(SMALL, 8) == 8
    assert sizes().size(SMALL, 8) == 8


def test_a_cache_that_cannot_be_written_is_done_without(sizes, monkeypatch, tmp_path):
    costs(monkeypatch, lambda slots: 1e-3 / slots)
    (tmp_path / "a3b-tune").write_text("a file, not a folder")
    assert sizes().size(SMALL, 8) == 8


@pytest.mark.parametrize("asked", ["0", "-1", "many", "2.5", ""])
def test_what_is_no_size_is_refused(asked):
    with pytest.raises(InputError, match="--stack"):
        check_stack(asked)


def test_best_before_the_last_tried_leaves_nothing_to_measure():
    assert Measured(best=8, tried=32).answers(1000)
    assert Measured(best=32, tried=32).answers(32)
    assert not Measured(best=32, tried=32).answers(33)
