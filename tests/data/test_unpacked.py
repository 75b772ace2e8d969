import gzip
import hashlib
import re
from pathlib import Path

import pytest
import torch

from a3b_tune.data.safe_pickle import BadFileError
from a3b_tune.data.unpacked import file_hash, gunzip, mapped, unpacked

RAW = bytes(range(256)) * 20_000  # five blocks


@pytest.fixture
def packed(tmp_path) -> Path:
    (tmp_path / "text.gz").write_bytes(gzip.compress(RAW, 1))
    return tmp_path / "text.gz"


def contents(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_it_is_unpacked_once(packed, tmp_path):
    made = unpacked(packed, tmp_path / "cache")
    assert made.read_bytes() == RAW and contents(tmp_path / "cache") == [made]
    before = made.stat()
    assert unpacked(packed, tmp_path / "cache") == made and made.stat() == before


def test_a_file_that_has_changed_is_unpacked_again_and_the_old_one_goes(packed, tmp_path):
    old = unpacked(packed, tmp_path / "cache")
    still = mapped(old)
    packed.write_bytes(gzip.compress(b"new"))
    new = unpacked(packed, tmp_path / "cache")
    assert new.read_bytes() == b"new" and contents(tmp_path / "cache") == [new]
    assert bytes(still[:300].tolist()) == RAW[:300]


def test_two_files_of_one_name_do_not_meet(packed, tmp_path):
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / packed.name
    other.write_bytes(gzip.compress(b"other"))
    made = [unpacked(path, tmp_path / "cache") for path in (packed, other)]
    assert [path.read_bytes() for path in made] == [RAW, b"other"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda raw: raw[:-1000], "cut short"),
        (lambda raw: raw[:-4], "cut short"),
        (lambda raw: b"<html>", "not gzip, or damaged"),
        (lambda raw: raw[:2000] + b"\xff" * 200 + raw[2200:], "not gzip, or damaged|cut short"),
        (lambda raw: raw + raw, "more than 5,120,000 bytes when unpacked"),
    ],
)
def test_a_bad_file_leaves_nothing(packed, tmp_path, change, what):
    packed.write_bytes(change(packed.read_bytes()))
    with pytest.raises(BadFileError, match=what):
        unpacked(packed, tmp_path / "cache", len(RAW))
    assert contents(tmp_path / "cache") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to write to")
def test_a_full_disk_leaves_nothing(packed, tmp_path):
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(OSError, match="No space left"),
    ):
        gunzip(packed, full.write)
    assert contents(tmp_path / "cache") == []


def test_the_hash_is_remembered_until_the_file_changes(packed, tmp_path):
    cache = tmp_path / "cache"
    digest = file_hash(packed, cache)
    assert digest == hashlib.sha256(packed.read_bytes()).hexdigest()
    (note,) = contents(cache)
    note.write_text("f" * 64)
    assert file_hash(packed, cache) == "f" * 64  # it was not read again
    packed.write_bytes(b"other")
    assert file_hash(packed, cache) == hashlib.sha256(b"other").hexdigest()
    assert len(contents(cache)) == 1


def test_where_nothing_can_be_remembered_the_hash_is_the_same(packed, tmp_path):
    (tmp_path / "file").write_text("")
    assert file_hash(packed, tmp_path / "file" / "cache") == file_hash(packed, tmp_path / "cache")


def test_bytes_are_mapped_from_the_file_and_cannot_change_it(tmp_path, recwarn):
    path = tmp_path / "raw"
    path.write_bytes(RAW)
    tokens = mapped(path)
    assert tokens.dtype == torch.uint8 and len(tokens) == len(RAW)
    tokens[0] = 7
    assert path.read_bytes() == RAW
    assert len(recwarn) == 0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc to read memory from")
def test_a_mapped_file_and_its_windows_take_no_memory(tmp_path):
    from a3b_tune.data.windows import Windows

    path = tmp_path / "raw"
    with path.open("wb") as file:
        file.truncate(2**28)
    before = anonymous()
    tokens = mapped(path)
    windows = Windows(tokens[: 2**28 * 9 // 10], 256, 32, 10)
    for _ in windows.epoch(torch.Generator().manual_seed(0)):
        pass
    assert anonymous() - before < 2**25


def anonymous() -> int:
    """Bytes of this process's memory that are not a file's."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "raw").touch()
    with pytest.raises(BadFileError, match="empty"):
        mapped(tmp_path / "raw")
