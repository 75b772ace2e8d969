"""A trial trained for good: as far as its best epoch, along its own schedule, scored at the end."""

import pytest
import torch

from a3b_tune.data.final import load_final
from a3b_tune.data.load import load
from a3b_tune.errors import InputError
from a3b_tune.finals.training import Begun, Chosen, FinalTraining, Scoring, Told
from a3b_tune.study.data_section import DataSection
from a3b_tune.training import PlainLearner, Prepared, Stopped, recipe_from
from a3b_tune.training.evaluation import accuracy
from a3b_tune.training.stack_size import StackSizes
from tests.training.texts import chain, text_recipe

CPU = torch.device("cpu")
SETTINGS = {
    "model.name": "baseline", "model.width": 4, "optimizer.lr": 0.01, "training.epochs": 6,
    "training.batch_size": 64, "training.schedule": "cosine", "training.warmup": 0.2,
}  # fmt: skip


def prepared(seed: int = 0) -> Prepared:
    return Prepared(load("xor", seed=seed, rows=640), CPU)


def chosen(rounds: int = 3, **settings) -> Chosen:
    return Chosen(7, {**SETTINGS, **settings}, 5, 0.75, rounds)


@pytest.fixture
def stacks(monkeypatch):
    """All seeds in one stack, without measuring whether that pays."""
    monkeypatch.setattr(StackSizes, "size", lambda self, shape, most: most)


def test_one_seed_is_the_trial_up_to_its_best_epoch():
    """The trial's own seed gives its very epochs: the schedule is that of all six."""
    learner = PlainLearner(recipe_from(SETTINGS, 5), prepared())
    wanted = [learner.epoch() for _ in range(3)]
    made = FinalTraining(prepared(), chosen())([5])
    assert [(e.loss, e.value, e.lr) for e in made.seeds[0].epochs] == [
        (e.loss, e.value, e.lr) for e in wanted
    ]
    assert made.seeds[0].value == wanted[-1].value
    weights = learner.model.state_dict()
    assert all(torch.equal(w, weights[name]) for name, w in made.model.state_dict().items())
    assert not made.model.training


def test_seeds_of_a_stack_are_what_each_is_alone(stacks):
    seeds = [3, 4, 5]
    stacked = FinalTraining(prepared(), chosen())(seeds)
    for seed, one in zip(seeds, stacked.seeds, strict=True):
        alone = FinalTraining(prepared(), chosen())([seed])
        assert one.seed == seed
        assert one.epochs[-1].loss == pytest.approx(alone.seeds[0].epochs[-1].loss, rel=1e-4)
    first = FinalTraining(prepared(), chosen())(seeds[:1]).model.state_dict()
    for name, weight in stacked.model.state_dict().items():
        torch.testing.assert_close(weight, first[name])


def test_the_test_part_is_read_once_and_after_training(stacks):
    data = load("xor", rows=640)
    final = load_final(DataSection(name="xor", rows=640), data)
    test = Prepared(final.test, CPU)
    seen: list[bool] = []
    events: list = []

    def hears(told: object) -> None:
        events.append(told)
        if not isinstance(told, Scoring):
            seen.append(bool(test._parts))

    made = FinalTraining(Prepared(final.data, CPU), chosen(2), test, notify=hears)([1, 2])
    assert not any(seen)
    assert [type(event) for event in events] == [Begun, *[Told] * 4, Scoring, Scoring]
    rows = test.cut(None).validation
    assert made.seeds[0].value == accuracy(made.model, rows)
    assert int(sum(counts.sum() for *_, counts in rows)) == 25_000


def test_rows_longer_than_any_that_was_trained_on_are_cut():
    settings = {"model.name": "transformer", "model.heads": 1, "model.head_width": 4,
                "model.depth": 1, "model.positions": "learned"}  # fmt: skip
    wanted = Chosen(0, {**SETTINGS, **settings} | {}, 0, 0.5, 1)
    wanted.settings.pop("model.width")
    test = Prepared(load("synth", rows=64), CPU)
    train = Prepared(load("synth", rows=64), CPU)
    train.dataset.train.cut(3)
    short = Prepared(_cut(train.dataset, 3), CPU)
    assert short.cut(None).longest == 3 < test.cut(None).longest
    assert FinalTraining(short, wanted, test)([1]).seeds[0].value > 0.0


def _cut(data, length):
    from dataclasses import replace

    return replace(data, train=data.train.cut(length), validation=data.validation.cut(length))


def test_a_text_is_scored_in_bits_and_against_the_ideal_predictor():
    recipe = text_recipe()
    settings = {f"model.{key}": value for key, value in recipe.model.items()} | {
        "data.max_length": 12, "optimizer.lr": 1e-2, "training.steps": 16,
        "training.evaluate_every": 8, "training.batch_size": 8, "training.windows": 60,
        "training.final_batches": 10,
    }  # fmt: skip
    wanted = Chosen(0, settings, 0, 1.0, 1)
    alone = FinalTraining(Prepared(chain(), CPU), wanted)([1]).seeds[0]
    assert {"bits_all", "excess", "final_bits", "final_excess"} <= set(alone.scores)
    tested = FinalTraining(Prepared(chain(), CPU), wanted, Prepared(chain(), CPU))([1]).seeds[0]
    assert {"bits_error", "bits_all", "excess"} <= set(tested.scores)
    assert tested.value == pytest.approx(alone.scores["final_bits"], abs=0.3)
    assert "final_bits" not in tested.scores


def test_a_first_seed_that_diverges_has_no_model():
    wild = chosen(2, **{"optimizer.lr": 1e30, "optimizer.name": "sgd"})
    with pytest.raises(InputError, match=r"seed 1 came to nothing \(diverged: .*another --seed"):
        FinalTraining(prepared(), wild)([1])


def test_it_stops_when_asked():
    with pytest.raises(Stopped):
        FinalTraining(prepared(), chosen(), should_stop=lambda: True)([1])
