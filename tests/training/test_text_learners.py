"""Text is trained alone and in a stack, scored in bits, and goes on from a snapshot."""

from dataclasses import replace

import pytest
import safetensors.torch
import torch

from a3b_tune.data.load import load
from a3b_tune.models.native import compiler
from a3b_tune.training import BadSnapshot, Diverged, PlainLearner, Prepared, Recipe, Stopped, plain
from a3b_tune.training.opening import open_learner
from a3b_tune.training.plain import Alone
from a3b_tune.training.shape import Shape
from a3b_tune.training.stacked import StackedLearner
from tests.training.test_stacked import double, held, weights
from tests.training.texts import chain, prepared, text_recipe

__all__ = ["double"]
FINAL = {"final_bits", "final_bits_error", "final_bits_all", "final_excess", "final_excess_error"}
EACH = {"bits_error", "bits_all", "bits_all_error", "excess", "excess_error"}


@pytest.fixture(scope="module")
def data() -> Prepared:
    return prepared()


def text_shape(recipe: Recipe) -> Shape:
    settings = {f"model.{key}": value for key, value in recipe.model.items()}
    for name in ("optimizer", "training", "samples"):
        settings |= {f"{name}.{k}": v for k, v in vars(getattr(recipe, name)).items()}
    return Shape.of(settings | {"data.max_length": recipe.max_length})


def told(epochs) -> list[tuple]:
    """All but the times."""
    return [
        (e.epoch, e.loss, e.value, e.gradient_norm, e.lr, e.scores, e.looks, e.sample)
        for e in epochs
    ]


def test_a_round_is_the_steps_between_two_evaluations(data):
    one, two = PlainLearner(text_recipe(), data).epochs()
    assert (one.epoch, two.epoch) == (1, 2)
    assert two.loss < one.loss
    assert 0.0 < two.value < 2.1
    assert set(one.scores) == EACH
    assert set(two.scores) == EACH | FINAL


def test_looks_are_of_equal_groups_of_steps(data):
    wanted = text_recipe(training__steps=50, training__evaluate_every=25, training__warmup=0.5)
    one, two = PlainLearner(wanted, data).epochs()
    assert [look.step for look in one.looks] == [2, 5, 7, 10, 12, 15, 17, 20, 22, 25]
    assert [look.step for look in two.looks] == [25 + look.step for look in one.looks]
    assert one.looks[-1].lr == one.lr
    sizes = torch.tensor([2.0, 3.0] * 5)
    losses = torch.tensor([look.loss for look in one.looks])
    assert float((losses * sizes).sum() / 25) == pytest.approx(one.loss, rel=1e-5)
    norms = [look.gradient_norm for look in one.looks]
    assert sum(norms) / 10 == pytest.approx(one.gradient_norm, rel=1e-5)


def test_a_sample_grows_behind_the_same_seed_for_all_trials(data):
    found = [e.sample for s in (1, 2) for e in PlainLearner(text_recipe(s), data).epochs()]
    assert len({sample[:5] for sample in found}) == 1
    assert {len(sample) for sample in found} == {35}
    assert len(set(found)) == 4


def test_without_samples_and_final_batches_there_are_none(data):
    wanted = text_recipe(samples__length=0, training__final_batches=0)
    *_, last = PlainLearner(wanted, data).epochs()
    assert last.sample is None
    assert set(last.scores) == EACH


def test_final_scores_are_of_fresh_windows_of_the_trials_own(data):
    one, other = (PlainLearner(text_recipe(seed), data) for seed in (1, 2))
    for learner in (one, other):
        learner.epoch()
    early = one.final()
    assert set(early) == FINAL
    assert early == one.final()
    other.model.load_state_dict(one.model.state_dict())
    assert other.final() != early


def test_on_toy_the_grammar_judges_sentences_at_the_end():
    toy = Prepared(load("toy", characters=3000), torch.device("cpu"))
    wanted = text_recipe(
        data__max_length=16, training__steps=4, training__evaluate_every=4, samples__seed_length=16
    )
    (only,) = PlainLearner(wanted, toy).epochs()
    assert only.scores["sentences"] >= 0.0
    assert ("valid_share" in only.scores) == (only.scores["sentences"] > 0.0)
    before = toy.dataset.alphabet.decode(toy.dataset.validation)
    assert f". {only.sample[:16]}" in before


def members() -> list[Recipe]:
    """Recipes that differ in everything that members may differ in."""
    return [
        text_recipe(1, model__dropout=0.2, training__clip=0.1),
        text_recipe(2, optimizer__lr=3e-3, training__steps=8, training__warmup=0.3),
        text_recipe(3, training__label_smoothing=0.1, model__embedding_std=0.5),
        text_recipe(4, model__dropout=0.1, training__schedule="cosine", training__steps=8),
    ]


def assert_as_alone(learner: StackedLearner, name: int, wanted: Recipe, data, seen: list):
    alone = PlainLearner(wanted, data)
    for stacked, own in zip(seen, alone.epochs(), strict=True):
        assert (stacked.epoch, stacked.lr, stacked.sample) == (own.epoch, own.lr, own.sample)
        for key in ("value", "loss", "gradient_norm"):
            assert getattr(stacked, key) == pytest.approx(getattr(own, key), abs=1e-9)
        assert stacked.scores == pytest.approx(own.scores, abs=1e-9)
        for one, other in zip(stacked.looks, own.looks, strict=True):
            assert vars(one) == pytest.approx(vars(other), abs=1e-9)
    for key, parameter in alone.model.named_parameters():
        held = weights(learner, name)[key]
        torch.testing.assert_close(held, parameter.detach(), rtol=0, atol=1e-9)


def assert_members_are_as_alone(learner: StackedLearner, recipes: list[Recipe], data):
    """The slot of the second, which has one round, is taken by the fourth."""
    one, two, three, four = recipes
    first, gone, third = (learner.add(recipe) for recipe in recipes[:3])
    begun = learner.epoch()
    assert_as_alone(learner, gone, two, data, [begun[gone]])
    learner.remove(gone)
    late = learner.add(four)
    ended = learner.epoch()
    assert_as_alone(learner, first, one, data, [begun[first], ended[first]])
    assert_as_alone(learner, third, three, data, [begun[third], ended[third]])
    assert_as_alone(learner, late, four, data, [ended[late]])


@pytest.mark.parametrize("way", ["no", "run"])
@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"model__positions": "sinusoidal", "model__norm": "post"},
        {"model__tied": True, "optimizer__name": "adamw"},
        {"training__accumulate": 4},
    ],
    ids=["learned", "sinusoidal", "tied", "accumulate"],
)
def test_a_member_is_what_it_is_alone(double, data, variant, way):
    recipes = [
        replace(
            own,
            model={**own.model, **{k[7:]: v for k, v in variant.items() if k[:5] == "model"}},
            optimizer=replace(own.optimizer, name=variant.get("optimizer__name", "adam")),
            training=replace(own.training, accumulate=variant.get("training__accumulate", 1)),
        )
        for own in members()
    ]
    learner = StackedLearner(text_shape(recipes[0]), data, 4 if way == "run" else 3)
    learner._way = way
    assert_members_are_as_alone(learner, recipes, data)


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
def test_compiled_the_curves_agree(data):
    """In single precision, in which the kernels work."""
    own = {"model__depth": 1, "optimizer__name": "sgd", "optimizer__lr": 0.1}
    recipes = [text_recipe(1, **own), text_recipe(2, training__clip=0.1, **own)]
    learner = StackedLearner(text_shape(recipes[0]), data, 2)
    learner._way = "compile"
    names = [learner.add(one) for one in recipes]
    seen = [learner.epoch() for _ in range(2)]
    assert learner._way == "compile"
    for name, one in zip(names, recipes, strict=True):
        for found, alone in zip(seen, PlainLearner(one, data).epochs(), strict=True):
            assert found[name].loss == pytest.approx(alone.loss, abs=1e-5)
            assert found[name].scores == pytest.approx(alone.scores, abs=1e-3)


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
def test_the_plain_learner_compiled_is_what_it_is(data):
    wanted = text_recipe(model__depth=1)
    eager, quick = PlainLearner(wanted, data), PlainLearner(wanted, data)
    quick.compile()
    for one, other in zip(eager.epochs(), quick.epochs(), strict=True):
        assert other.loss == pytest.approx(one.loss, abs=1e-5)
        assert other.value == pytest.approx(one.value, abs=1e-4)
    assert quick._forward is not quick.model


def test_what_cannot_be_compiled_is_done_without(monkeypatch, data):
    def refuse(model):
        def crash(tokens):
            raise RuntimeError("the compiler has crashed")

        return crash

    monkeypatch.setattr(plain, "compiled_model", refuse)
    wanted = text_recipe()
    eager, quick = PlainLearner(wanted, data), PlainLearner(wanted, data)
    quick.compile()
    assert told(quick.epochs()) == told(eager.epochs())


@pytest.mark.parametrize("clip", [None, 0.05])
def test_parts_of_a_batch_add_up_to_the_whole(double, data, clip):
    settings = {"optimizer__name": "sgd", "optimizer__lr": 0.1, "training__clip": clip}
    whole, parts = (
        PlainLearner(text_recipe(training__accumulate=count, **settings), data) for count in (1, 4)
    )
    one, other = next(whole.epochs()), next(parts.epochs())
    assert other.loss == pytest.approx(one.loss, abs=1e-12)
    assert other.gradient_norm == pytest.approx(one.gradient_norm, abs=1e-12)
    for a, b in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_each_part_of_a_batch_has_noise_of_its_own(data):
    """Two parts with the same windows would drop the same otherwise."""
    noisy = PlainLearner(text_recipe(model__dropout=0.5, training__accumulate=2), data)
    tokens, labels = (
        part[0]
        for part in next(noisy._batches.stacked(noisy._batches.order(noisy._order).unsqueeze(0)))
    )
    assert not torch.equal(*(noisy._backward(tokens, labels, part) for part in (0, 1)))


@pytest.mark.parametrize("settings", [{}, {"model__dropout": 0.2, "optimizer__name": "adamw"}])
def test_alone_it_goes_on_bit_for_bit(data, settings):
    wanted = text_recipe(training__steps=24, training__schedule="cosine", **settings)
    unbroken = PlainLearner(wanted, data)
    whole = told(unbroken.epochs())
    broken = PlainLearner(wanted, data)
    broken.epoch()
    resumed = PlainLearner(wanted, data, saved=broken.save())
    assert told(resumed.epochs()) == whole[1:]
    for name, tensor in safetensors.torch.load(resumed.save()).items():
        assert torch.equal(tensor, safetensors.torch.load(unbroken.save())[name])


def test_what_one_learner_saves_the_other_takes_up(double, data):
    wanted = text_recipe(training__steps=24, model__dropout=0.2)
    whole = list(PlainLearner(wanted, data).epochs())
    alone = Alone(data)
    name = alone.add(wanted)
    alone.epoch()
    stacked = StackedLearner(text_shape(wanted), data, 2)
    member = stacked.add(wanted, alone.save(name))
    second = stacked.epoch()[member]
    (third,) = PlainLearner(wanted, data, saved=stacked.save(member)).epochs()
    for found, known in ((second, whole[1]), (third, whole[2])):
        assert (found.epoch, found.sample) == (known.epoch, known.sample)
        assert found.scores == pytest.approx(known.scores, abs=1e-9)


def test_a_snapshot_of_another_alphabet_is_refused(data):
    wanted = text_recipe()
    learner = PlainLearner(wanted, data)
    learner.epoch()
    with pytest.raises(BadSnapshot, match=r"'exp_avg.classify.bias' is F32 \[4\], not F32 \[6\]"):
        PlainLearner(wanted, prepared(chain(alphabet="abcdef")), saved=learner.save())


@pytest.mark.parametrize("slots", [1, 2])
def test_it_stops_within_a_long_evaluation(data, slots):
    """The eight steps are taken when it is asked to."""
    asked = iter([False] * 9 + [True])
    wanted = text_recipe()
    learner = open_learner(text_shape(wanted), data, slots, lambda: next(asked), 1)
    name = learner.add(wanted)
    with pytest.raises(Stopped):
        learner.epoch()
    with pytest.raises(ValueError, match="not ended"):
        learner.save(name)


@pytest.mark.parametrize("slots", [1, 2])
def test_one_that_diverges_is_told_and_its_neighbour_goes_on(data, slots):
    wild = text_recipe(1, optimizer__name="sgd", optimizer__lr=1e30)
    learner = open_learner(text_shape(wild), data, slots, lambda: False, 1)
    name = learner.add(wild)
    tame = learner.add(text_recipe(2, optimizer__name="sgd")) if slots > 1 else None
    found = learner.epoch()
    assert isinstance(found[name], Diverged)
    assert tame is None or found[tame].value < 3.0


@pytest.mark.parametrize("slots", [1, 2])
def test_a_member_can_be_finished_early_and_kept(data, slots):
    wanted = text_recipe()
    learner = open_learner(text_shape(wanted), data, slots, lambda: False, 1)
    name = learner.add(wanted)
    learner.epoch()
    alone = PlainLearner(wanted, data)
    alone.epoch()
    assert learner.final(name) == pytest.approx(alone.final(), abs=1e-4)
    assert len(learner.model_bytes(name)) > 1000
    if slots > 1:
        assert held(learner) == [name]
