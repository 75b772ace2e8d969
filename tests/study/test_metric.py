import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.study import ACCURACY, BITS, METRICS

VALUES = st.lists(st.floats(0.0, 9.0), min_size=1, max_size=9)


def test_more_accuracy_and_fewer_bits_are_better():
    assert ACCURACY.better(0.9, 0.8)
    assert BITS.better(0.56, 0.57)
    assert not any(metric.better(0.5, 0.5) for metric in METRICS.values())


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@given(values=VALUES)
def test_the_best_is_the_one_that_no_other_is_better_than(metric, values):
    best = metric.best(values)
    assert best in values
    assert not any(metric.better(value, best) for value in values)
    assert metric.key(metric.key(best)) == best


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@given(values=VALUES)
def test_the_best_epoch_is_the_first_with_the_best_value(metric, values):
    by_epoch = dict(enumerate(values, 1))
    found = metric.best_epoch(by_epoch)
    assert by_epoch[found] == metric.best(values)
    assert all(metric.better(by_epoch[found], by_epoch[epoch]) for epoch in range(1, found))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_of_nothing_there_is_no_best(metric):
    assert metric.best([]) is None
    assert metric.best_epoch({}) is None


def test_a_metric_is_found_by_its_name():
    assert {name: metric.name for name, metric in METRICS.items()} == {
        "accuracy": "accuracy", "bits": "bits",
    }  # fmt: skip
