"""How sure importances are: over random halves of the trials."""

import pytest

from a3b_tune.results.importances import halved
from a3b_tune.results.overview import study_overview
from a3b_tune.results.report.blocks import Paragraph, Plots
from a3b_tune.results.report.spread import LEAST, MOST, halves, importances, spreads
from a3b_tune.results.report.traced import Traced
from a3b_tune.results.trials import rows


def test_shares_of_each_half_sum_to_one_and_the_same_seed_draws_the_same(decided):
    found = halved(rows(decided.study), decided.file, 10, 3)
    for shares in zip(*found.values(), strict=True):
        assert sum(shares) == pytest.approx(1.0)
    assert found == halved(rows(decided.study), decided.file, 10, 3)
    assert found != halved(rows(decided.study), decided.file, 10, 4)


def test_the_setting_that_decides_has_the_largest_mean_within_its_interval(decided):
    around = spreads(Traced(study_overview(decided)), 40)
    assert max(around, key=lambda name: around[name].mean) == "model.pool"
    for name, own in around.items():
        assert 0.0 <= own.low <= own.mean <= own.high <= 1.0, name


def test_a_half_whose_trials_are_all_alike_is_left_out(decided):
    assert halved(rows(decided.study)[:1] * 4, decided.file, 5, 0) == {}
    assert halved([], decided.file, 5, 0) == {}


def test_large_studies_are_halved_less_often_and_small_ones_not_at_all():
    found = [halves(trials) for trials in (0, 19, 20, 1000, 2000, 10**6)]
    assert found == [0, 0, MOST, MOST, 100, LEAST]


def said(block: Paragraph) -> str:
    return "".join(part if isinstance(part, str) else part.shown for part in block.parts)


def test_where_little_can_be_said_little_is_drawn(mixed, small):
    (only,) = importances(Traced(study_overview(mixed)))
    assert said(only) == "What decided cannot be said: 5 trials have ended; it takes at least 10."
    blocks = list(importances(Traced(study_overview(small))))
    assert "too few of them to say how sure that is" in said(blocks[0])
    assert not any(isinstance(block, Plots) for block in blocks)
