import gzip
from random import Random

import pytest
import torch

from a3b_tune.data import wp
from a3b_tune.data.fetch import SOURCES
from a3b_tune.data.load import load
from a3b_tune.errors import InputError

SIZE = 200_000


@pytest.fixture
def folder(tmp_path, user_cache, monkeypatch):
    """A data folder with a file of random bytes that is taken for enwik8."""
    monkeypatch.setattr(wp, "SIZE", SIZE)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / wp.FILE).write_bytes(gzip.compress(Random(0).randbytes(SIZE), 1))
    return tmp_path / "data"


def test_the_parts_are_90_5_and_5_of_a_hundred_in_order(folder):
    text, raw = load("wp", data_dir=folder), Random(0).randbytes(SIZE)
    assert text.name == "wp" and text.unit == "byte" and len(text.alphabet) == 256
    assert bytes(torch.cat(list(text.parts.values())).tolist()) == raw
    assert [len(part) for part in text.parts.values()] == [180_000, 10_000, 10_000]
    assert text.ideal is text.floor is text.judge is None


def test_all_parts_lie_in_one_file_and_nothing_is_held_twice(folder):
    text = wp.load(folder)
    storages = {part.untyped_storage().data_ptr() for part in text.parts.values()}
    assert len(storages) == 1
    assert text.train.untyped_storage().nbytes() == SIZE


def test_final_trains_on_the_validation_bytes_and_validates_on_the_test_bytes(folder):
    text, final = wp.load(folder), wp.load(folder, final=True)
    assert torch.equal(final.train, torch.cat([text.train, text.validation]))
    assert torch.equal(final.validation, text.test)
    assert final.data_hash != text.data_hash


def test_the_second_time_the_cache_is_read(folder):
    first = wp.load(folder)
    (raw,) = (folder / "cache").glob("*.bytes")
    before = raw.stat()
    assert wp.load(folder).data_hash == first.data_hash and raw.stat() == before


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda raw: raw[:-500], "cut short"),
        (lambda raw: b"<html>", "not gzip"),
        (lambda raw: gzip.compress(b"a" * 1234), "1,234 bytes when unpacked, where enwik8 has"),
        (lambda raw: raw + raw, "more than 200,000 bytes when unpacked"),
    ],
)
def test_another_file_is_refused_in_one_line(folder, change, what):
    path = folder / wp.FILE
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError) as caught:
        wp.load(folder)
    line = str(caught.value)
    assert line.startswith(f"{path}: {what}") and "\n" not in line
    assert f"a3b-tune data fetch wp --data-dir {folder}" in line


def test_no_file_says_how_to_get_it(tmp_path):
    with pytest.raises(InputError, match=r"enwik8.gz: no such file; `a3b-tune data fetch wp"):
        wp.load(tmp_path)


def test_the_real_file_and_address_are_the_courses():
    source = SOURCES["wp"]
    address = "codeberg.org/pbm/former/raw/branch/master/data/enwik8.gz"
    assert f"{source.folder}/{source.file}" == address and source.schemes == ("https",)
    assert wp.SIZE == 10**8
    assert [round(wp.SIZE * share, 3) for share in (wp.TRAIN, wp.VALIDATION)] == [9e7, 5e6]
