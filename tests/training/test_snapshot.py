"""Bytes from anywhere: a member goes on from them exactly, or they are refused in one line."""

import json
from dataclasses import replace
from functools import cache

import pytest
import safetensors.torch
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from a3b_tune.data.load import load
from a3b_tune.training import BadSnapshot, PlainLearner, Prepared
from a3b_tune.training.plain import Alone
from a3b_tune.training.progress import begin
from a3b_tune.training.snapshot import Facts, epochs_done, pack, read_facts, unpack
from a3b_tune.training.stacked import StackedLearner
from tests.training.conftest import recipe
from tests.training.test_stacked import shape_of

WANTED = recipe(7, model__width=4, model__pool="mean", training__epochs=3)
STEPS = 2


@cache
def xor() -> Prepared:
    return Prepared(load("xor").sample(60, 0), torch.device("cpu"))


@cache
def saved() -> bytes:
    learner = PlainLearner(WANTED, xor())
    learner.epoch()
    return learner.save()


@cache
def stack() -> tuple[StackedLearner, int]:
    """A stack with a member that is never to notice anything, and its name."""
    learner = StackedLearner(shape_of(WANTED), xor(), 2)
    return learner, learner.add(recipe(8, model__width=4, model__pool="mean"))


def state(data: bytes) -> dict[str, list]:
    return {name: t.tolist() for name, t in safetensors.torch.load(data).items()}


def header_size() -> int:
    return 8 + int.from_bytes(saved()[:8], "little")


def with_header(header: object) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + saved()[header_size() :]


def accepted(data: bytes) -> bool:
    """Whether a learner takes a member from these bytes. If so, it is the one that was saved."""
    learner, neighbour = stack()
    before = state(learner.save(neighbour))
    try:
        name = learner.add(WANTED, data)
    except BadSnapshot as error:
        assert learner.room == 1
        told = str(error)
        assert told.startswith("snapshot: ")
        assert told.isprintable()
        assert len(told) < 250
        return False
    else:
        assert state(learner.save(name)) == state(saved())
        learner.remove(name)
        return True
    finally:
        assert state(learner.save(neighbour)) == before


def refused(data: bytes) -> str:
    with pytest.raises(BadSnapshot) as caught:
        begin(WANTED, PlainLearner(WANTED, xor()).model, STEPS, data)
    assert not accepted(data)
    return str(caught.value)


def test_what_was_saved_is_accepted():
    assert accepted(saved())
    assert epochs_done(saved()) == 1
    assert read_facts(saved()) == Facts(1, STEPS, 7, "adam")


@given(st.data())
def test_cut_anywhere_it_is_refused(data):
    cut = saved()[: data.draw(st.integers(0, len(saved()) - 1))]
    assert not accepted(cut)
    with pytest.raises(BadSnapshot):
        epochs_done(cut)


@given(st.binary(min_size=1, max_size=20))
def test_with_more_behind_it_it_is_refused(more):
    assert not accepted(saved() + more)


@given(st.data())
def test_bits_that_flip_are_noticed_where_they_mean_anything(data):
    """Anywhere, half of the time in the header."""
    places = st.integers(0, len(saved()) - 1) | st.integers(0, header_size() - 1)
    hostile = bytearray(saved())
    for place in data.draw(st.lists(places, min_size=1, max_size=3, unique=True)):
        hostile[place] ^= 1 << data.draw(st.integers(0, 7))
    changed = bytes(hostile[header_size() :]) != saved()[header_size() :]
    assert not (accepted(bytes(hostile)) and changed)


@given(st.binary(max_size=300))
@example(b"")
@example((2**63).to_bytes(8, "little"))
@example((10**5).to_bytes(8, "little") + b"[" * 10**5)
@example((10**5).to_bytes(8, "little") + b"9" * 10**5)
def test_bytes_of_something_else_are_refused(data):
    assert not accepted(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


@given(st.data(), json_values)
def test_a_header_with_something_else_in_it_is_refused(data, value):
    """Any value of it, at any depth, is replaced, or all of it."""
    header = json.loads(saved()[8 : header_size()])
    inner, steps = header, data.draw(st.integers(0, 3))
    for _ in range(steps - 1):
        if isinstance(nested := inner[data.draw(st.sampled_from(sorted(inner)))], dict):
            inner = nested
    if steps:
        key = data.draw(st.sampled_from(sorted(inner)))
        changed, inner[key] = inner[key] != value, value
    else:
        changed, header = True, value
    assert not (accepted(with_header(header)) and changed)


@pytest.mark.parametrize("fact", ["epochs", "step", "seed"])
@pytest.mark.parametrize("text", ["nan", "inf", "-1", " 1", "1_0", "١", "9" * 21, "1e999", ""])
def test_facts_are_plain_numbers(fact, text):
    header = json.loads(saved()[8 : header_size()])
    header["__metadata__"][fact] = text
    assert not accepted(with_header(header))
    if (fact, text) != ("seed", "-1"):
        with pytest.raises(BadSnapshot):
            epochs_done(with_header(header))


def test_another_version_is_told():
    header = json.loads(saved()[8 : header_size()])
    header["__metadata__"]["snapshot"] = "2"
    assert refused(with_header(header)) == "snapshot: of format '2', not '1'"


def other(**settings) -> bytes:
    learner = PlainLearner(
        recipe(7, **{"model__pool": "mean", "training__epochs": 3} | settings), xor()
    )
    learner.epoch()
    return learner.save()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (lambda: other(model__width=8), "exp_avg.classify.weight' is F32 [2, 8], not F32 [2, 4]"),
        (
            lambda: other(model__name="transformer", model__head_width=4, model__heads=1),
            "'exp_avg.blocks.0.attention.keys_values.bias' is F32 [8], not missing",
        ),
        (lambda: other(model__width=4, optimizer__name="sgd"), "of optimizer 'sgd', not 'adam'"),
        (lambda: other(model__width=4, training__batch_size=60), "1 steps in 1 epochs, but one"),
    ],
)  # fmt: skip
def test_a_member_of_another_kind_is_told(data, told):
    assert told in refused(data())


def test_another_trial_and_one_at_its_end_are_told():
    alone = Alone(xor())
    with pytest.raises(BadSnapshot, match="of seed 7, not 9"):
        alone.add(replace(WANTED, seed=9), saved())
    short = replace(WANTED, training=replace(WANTED.training, epochs=1))
    with pytest.raises(BadSnapshot, match="1 of 1 epochs are done, so none is left"):
        alone.add(short, saved())
    assert alone.room == 1


def test_another_precision_is_told():
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(BadSnapshot, match=r"is F32 \[2\], not F64 \[2\]"):
            PlainLearner(WANTED, xor(), saved=saved())
    finally:
        torch.set_default_dtype(torch.float32)


@given(
    st.integers(-(2**31), 2**31 - 1) | st.integers(0, 625),
    st.integers(-(2**63), 2**63 - 1) | st.integers(0, 625),
)
@example(624, 624)
def test_a_data_order_that_would_read_elsewhere_is_refused(left, following):
    """With the right checksum: `left` words from place `following` on are the generator's own."""
    learner = PlainLearner(WANTED, xor())
    like = dict(safetensors.torch.load(saved()))
    order = like["order"].clone()
    order[8:12].view(torch.int32)[0] = left
    order[16:24].view(torch.int64)[0] = following
    hostile = pack(read_facts(saved()), like | {"order": order})
    try:
        begin(WANTED, learner.model, STEPS, hostile)
    except BadSnapshot:
        return
    assert left >= 1
    assert following >= 0
    assert left + following <= 625


def test_it_is_no_larger_than_weights_and_moments():
    learner = PlainLearner(recipe(model__name="transformer", model__depth=2), xor())
    weights = sum(parameter.nbytes for parameter in learner.model.parameters())
    tensors = 3 * len(list(learner.model.parameters()))
    assert len(learner.save()) < 3 * weights + 6000 + 130 * tensors


@pytest.mark.parametrize(("momentum", "kinds"), [(0.0, 1), (0.9, 2)])
def test_sgd_without_momentum_keeps_no_moments(momentum, kinds):
    settings = {"optimizer__name": "sgd", "optimizer__momentum": momentum}
    learner = PlainLearner(recipe(**settings), xor())
    names = {name.split(".")[0] for name in state(learner.save())}
    assert len(names - {"order"}) == kinds


def test_unpacked_tensors_are_those_that_were_packed():
    given = {"a": torch.arange(6.0).view(2, 3).t(), "b": torch.ones(1, dtype=torch.float64)}
    found = unpack(pack(Facts(0, 0, -1, "sgd"), given), given)
    for name, tensor in given.items():
        assert torch.equal(found[name], tensor)
