import gzip
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.data import safe_pickle
from a3b_tune.data.safe_pickle import BadFileError, read

plain = st.recursive(
    st.integers(0, 2**31 - 1) | st.text(max_size=300),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(max_size=5), inner)
        | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=12,
)


@given(plain, st.integers(2, 4))
def test_plain_data_comes_back_as_it_was(thing, protocol):
    assert read(gzip.compress(pickle.dumps(thing, protocol), 1)) == thing


class Touches:
    """A pickle that makes a file when it is read by an ordinary unpickler."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_in_a_pickle_runs(tmp_path, pack, protocol):
    target = tmp_path / "was-run"
    packed = pack(([Touches(target)], {}, [], {}), protocol)
    with pytest.raises(BadFileError):
        read(packed)
    assert not target.exists()
    pickle.loads(gzip.decompress(packed))
    assert target.exists(), "the file is harmless, so the test shows nothing"


@pytest.mark.parametrize(
    "thing", [OrderedDict(a=1), {1, 2}, frozenset([1]), b"bytes", bytearray(b"b"), 1.5, 1j, Path()]
)
def test_whatever_is_more_than_plain_data_is_refused(pack, thing):
    with pytest.raises(BadFileError, match="plain data"):
        read(pack([thing]))


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "GLOBAL"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "STACK_GLOBAL"),
        (b"P1\n.", "PERSID"),
        (b"\x80\x02K\x01Q.", "BINPERSID"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"(ios\nsystem\n.", "INST"),
        (b"\x80\x02]}b.", "BUILD"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        (b"\xff", "byte 255"),
    ],
)
def test_the_opcode_that_is_refused_is_named(raw, name):
    with pytest.raises(BadFileError, match=name):
        read(gzip.compress(raw))


def test_the_second_guard_finds_no_class_either(monkeypatch, pack):
    monkeypatch.setattr(safe_pickle, "_scan", lambda raw: raw)
    with pytest.raises(BadFileError, match=r"OrderedDict"):
        read(pack(OrderedDict(a=1)))
    with pytest.raises(BadFileError, match="outside itself"):
        read(gzip.compress(b"P1\n."))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x04]r\xff\xff\xff\x7f.",  # a memo slot far away: 34 GB
        b"\x80\x04" + b"]" * 1_000_002 + b".",
        b"\x80\x04)" + b"\x85" * 100_000 + b".",  # whose hash would overflow the C stack
    ],
)
def test_a_small_pickle_cannot_claim_the_memory(raw):
    with pytest.raises(BadFileError, match="can need"):
        read(gzip.compress(raw))


def test_a_frame_that_ends_inside_an_opcode_hides_nothing():
    # CPython alone drops the frame's last byte here and then reads `r\x00\x00\x00.`: 12 GB.
    memo = b"r\x01\x00\x00\x00"
    raw = b"\x80\x04\x95" + struct.pack("<Q", 8) + b")" + memo + memo + b"."
    assert read(gzip.compress(raw)) == ()


def test_the_unpacked_size_is_capped(pack):
    bomb = gzip.compress(bytes(300 * 2**20), 9)
    assert len(bomb) < 400_000
    with pytest.raises(BadFileError, match="50,331,648 bytes when unpacked"):
        read(bomb)
    with pytest.raises(BadFileError, match="more than 10 bytes"):
        read(pack(list(range(20))), limit=10)


def test_a_file_cut_short_says_so(pack):
    packed = pack(list(range(1000)))
    with pytest.raises(BadFileError, match="cut short"):
        read(packed[: len(packed) // 2])


@pytest.mark.parametrize("packed", [b"", b"<html>404</html>", b"\x1f\x8b\x08"])
def test_what_is_not_gzip_is_refused(packed):
    with pytest.raises(BadFileError, match=r"gzip|cut short|without an end"):
        read(packed)


def test_damage_is_noticed(pack):
    packed = bytearray(pack(list(range(1000))))
    packed[len(packed) // 2] ^= 0x55
    with pytest.raises(BadFileError):
        read(bytes(packed))


@given(plain, st.data())
def test_no_bytes_raise_anything_but_bad_file(thing, data):
    raw = bytearray(pickle.dumps(thing, 4))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(gzip.compress(bytes(raw), 1))
    except BadFileError as error:
        assert "\n" not in str(error)


OPCODES = [
    *(
        b"K\x05",
        b"M\x05\x01",
        b"J\xff\xff\xff\xff",
        b"h\x00",
        b"j\x00\x00\x00\x00",
        b"q\x07",
        b"\x94",
    ),
    *(b"a", b"e", b"s", b"u", b"(", b"]", b"}", b")", b"t", b"\x85", b"\x86", b"\x87", b"."),
    *(
        b"\x8c\x01x",
        b"\x8c\xff",
        b"X\x02\x00\x00\x00ab",
        b"X\xff\xff\xff\x7f",
        b"r\x01\x00\x00\x00",
    ),
    *(b"\x95\x08\x00\x00\x00\x00\x00\x00\x00", b"\x80\x04"),
]


@given(st.lists(st.sampled_from(OPCODES), max_size=50))
def test_opcodes_in_any_order_raise_nothing_but_bad_file(codes):
    try:
        read(gzip.compress(b"".join(codes) + b".", 1))
    except BadFileError as error:
        assert str(error)


@given(st.binary(max_size=60))
def test_noise_raises_nothing_but_bad_file(raw):
    framed = b"\x80\x04\x95" + struct.pack("<Q", len(raw)) + raw
    try:
        read(gzip.compress(framed, 1))
    except BadFileError as error:
        assert str(error)
