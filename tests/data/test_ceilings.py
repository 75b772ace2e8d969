from dataclasses import replace

import pytest

from a3b_tune.data import synth, xor
from a3b_tune.data.ceilings import best_accuracy


@pytest.fixture(scope="module", params=[synth, xor], ids=["synth", "xor"])
def data(request):
    return request.param.load(0)


def accuracy_of_sums(data, weights: dict[str, float], over: float) -> float:
    """Of a model that answers positive where the sum of its words' weights is high enough."""
    words = data.vocabulary.i2w
    right = 0
    for row, label in zip(*data.validation.to_lists(), strict=True):
        positive = sum(weights.get(words[token], 0.0) for token in row) > over
        right += positive == (data.class_names[label] == "positive")
    return right / len(data.validation)


def test_a_sum_over_words_reaches_three_of_four_and_no_choice_of_signs_passes_it(data):
    one, other = ("very", "great") if data.name == "synth" else ("true", "true")
    counter = ("not", "terrible") if data.name == "synth" else ("false", "false")
    reached = [
        accuracy_of_sums(data, {one: a, other: b, counter[0]: -a, counter[1]: -b}, over)
        for a in (-1.0, 1.0)
        for b in ((-1.0, 1.0) if data.name == "synth" else (a,))
        for over in (-1.0, 1.0)
    ]
    assert max(reached) == pytest.approx(best_accuracy("three_of_four", data), abs=1e-12)


def test_the_first_token_alone_gets_the_larger_class_of_each_first_token(data):
    x, y = data.validation.to_lists()
    classes: dict[int, list[int]] = {}
    for row, label in zip(x, y, strict=True):
        classes.setdefault(row[0], []).append(label)
    right = sum(max(found.count(0), found.count(1)) for found in classes.values())
    assert best_accuracy("constant", data) == pytest.approx(right / len(y), abs=1e-12)


def test_nothing_in_the_way_is_1(data):
    assert best_accuracy("all", data) == 1.0


@pytest.mark.parametrize("kind", ["constant", "three_of_four"])
def test_distinct_rows_with_counts_give_the_same_number(data, kind):
    distinct = replace(data, validation=data.validation.distinct())
    assert best_accuracy(kind, distinct) == best_accuracy(kind, data)


def test_another_kind_or_data_without_patterns_is_refused(data):
    with pytest.raises(ValueError, match="did you mean 'constant'"):
        best_accuracy("constent", data)
    with pytest.raises(ValueError, match="imdb is no exclusive-or"):
        best_accuracy("three_of_four", replace(data, name="imdb"))
