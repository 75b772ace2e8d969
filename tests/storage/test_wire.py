import math
import os
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.storage import wire
from a3b_tune.storage.verbs import Beat, Change, Checkpoint, Points, Release

ids = st.integers(0, 2**31 - 1)
numbers = st.floats() | st.just(-0.0)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
# What JSON has words for, and so what a database keeps.
attrs = st.dictionaries(
    st.text(),
    st.recursive(
        scalars | numbers, lambda of: st.lists(of) | st.dictionaries(st.text(), of), max_leaves=8
    ),
    max_size=4,
)
reports = st.dictionaries(st.integers(0, 10**6), numbers, max_size=5)
finite = st.floats(-1e300, 1e300)
ranges = st.one_of(
    st.tuples(finite, finite).map(lambda ends: FloatDistribution(min(ends), max(ends))),
    st.floats(1e-9, 1.0).map(lambda low: FloatDistribution(low, 2.0, log=True)),
    st.just(FloatDistribution(0.0, 1.0, step=0.25)),
    st.tuples(st.integers(-99, 99), st.integers(0, 9)).map(
        lambda pair: IntDistribution(pair[0], pair[0] + pair[1])
    ),
    st.just(IntDistribution(1, 64, log=True)),
    st.lists(scalars, min_size=1, max_size=4).map(lambda some: CategoricalDistribution(some)),
)


@st.composite
def params(draw):
    """Parameters and their ranges, as a sampler draws them."""
    found = draw(st.dictionaries(st.text(), ranges, max_size=4))
    return {name: _value(draw, found[name]) for name in found}, found


def _value(draw, space):
    if isinstance(space, CategoricalDistribution):
        return draw(st.sampled_from(space.choices))
    if isinstance(space, IntDistribution):
        return draw(st.integers(space.low, space.high))
    return draw(st.floats(space.low, space.high))


# As storages give them: of an instant, local, without a zone.
moments = st.none() | st.datetimes(
    datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)
).map(lambda moment: moment.astimezone().replace(tzinfo=None))


@st.composite
def changes(draw):
    drawn, spaces = draw(params())
    return Change(
        trial_id=draw(ids),
        claim=draw(st.text()),
        params=drawn,
        distributions=spaces,
        values=draw(reports),
        attrs=draw(attrs),
        notes=draw(attrs),
        state=draw(st.none() | st.sampled_from(TrialState)),
        value=draw(st.none() | numbers),
        after=draw(st.none() | ids),
    )


@st.composite
def trials(draw):
    drawn, spaces = draw(params())
    return FrozenTrial(
        number=draw(ids),
        state=draw(st.sampled_from(TrialState)),
        value=None,
        values=draw(st.none() | st.lists(numbers, min_size=1, max_size=2)),
        datetime_start=draw(moments),
        datetime_complete=draw(moments),
        params=drawn,
        distributions=spaces,
        user_attrs=draw(attrs),
        system_attrs=draw(attrs),
        intermediate_values=draw(reports),
        trial_id=draw(ids),
    )


releases = st.builds(
    Release, ids, st.text(), attrs, st.sampled_from(TrialState), st.none() | st.text()
)
points = st.builds(Points, ids, st.lists(ids).map(tuple))
beats = st.builds(Beat, ids, st.text(), st.text(), st.floats(0.0, 1e9))
checkpoints = st.lists(st.builds(Checkpoint, ids, st.text(), ids, st.binary()), max_size=4)


def sent(plain, blobs=()):
    """What arrives at the other end."""
    return wire.unpack(wire.pack(plain, blobs))


@given(st.one_of(changes(), releases, points, beats))
def test_what_arrives_is_what_was_sent(item):
    arrived, _ = sent(wire.plain(item))
    # By its text: in Python no NaN equals another.
    assert repr(wire.whole(type(item), arrived)) == repr(item)


@given(trials())
def test_a_trial_arrives_with_all_its_fields(trial):
    arrived, _ = sent(wire.plain_trial(trial))
    assert repr(wire.whole_trial(arrived)) == repr(trial)


@given(checkpoints)
def test_bytes_arrive_as_they_are(items):
    told, blobs = wire.plain_checkpoints(items)
    said, arrived = sent({"saved": told}, blobs)
    assert wire.whole_checkpoints(said["saved"], arrived) == items


def test_not_a_number_and_infinity_arrive():
    change = Change(1, "c", values={1: math.nan, 2: math.inf, 3: -math.inf})
    arrived, _ = sent(wire.plain(change))
    assert str(wire.whole(Change, arrived).values) == "{1: nan, 2: inf, 3: -inf}"


def test_a_moment_is_the_same_instant_in_another_time_zone(monkeypatch):
    def in_zone(name):
        monkeypatch.setitem(os.environ, "TZ", name)
        time.tzset()

    trial = FrozenTrial(0, TrialState.RUNNING, None, None, None, {}, {}, {}, {}, {}, 1)
    try:
        in_zone("UTC-2")  # two hours east of Greenwich
        trial.datetime_start = datetime(2026, 1, 1, 12)
        plain = wire.plain_trial(trial)
        in_zone("UTC+5")
        assert wire.whole_trial(plain).datetime_start == datetime(2026, 1, 1, 5)
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.binary(max_size=200))
def test_what_nobody_sent_is_refused(message):
    with pytest.raises(wire.Garbled):
        wire.unpack(message)


@given(st.binary(min_size=1, max_size=50), st.data())
def test_a_message_that_was_cut_or_lengthened_is_refused(blob, data):
    message = wire.pack({"a": 1}, [blob, b""])
    cut = data.draw(st.integers(0, len(message) - 1))
    for wrong in (message[:cut], message + blob):
        with pytest.raises(wire.Garbled):
            wire.unpack(wrong)


@pytest.mark.parametrize("head", [b"[]", b"{}", b"[[], []]", b'[{}, "a"]', b"[{}, [-1, 1]]", b"[1"])
def test_a_head_of_another_shape_is_refused(head):
    with pytest.raises(wire.Garbled):
        wire.unpack(wire.LENGTH.pack(len(head)) + head)


def test_json_deeper_than_python_can_follow_is_refused():
    head = b"[" * 100_000
    with pytest.raises(wire.Garbled):
        wire.unpack(wire.LENGTH.pack(len(head)) + head)


@pytest.mark.parametrize(
    "plain", [{}, {"trial_id": 1}, {"trial_id": 1, "claim": "c", "state": "ASLEEP"}, {"who": 1}]
)
def test_a_change_that_is_none_is_refused(plain):
    with pytest.raises(wire.Garbled):
        wire.whole(Change, plain)
    with pytest.raises(wire.Garbled):
        wire.whole_trial(plain)
