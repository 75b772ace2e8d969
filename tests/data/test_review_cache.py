import numpy as np
import pytest

from a3b_tune.data import review_cache, reviews


@pytest.fixture
def found(make_reviews, pack):
    return reviews.parse(pack(make_reviews(60)))


def same(one, other) -> bool:
    arrays = zip((*one.train, *one.test), (*other.train, *other.test), strict=True)
    return one.words == other.words and all(np.array_equal(a, b) for a, b in arrays)


def test_what_is_saved_is_loaded_as_mapped_files(tmp_path, found):
    review_cache.save(found, tmp_path / "a" / "cache")
    again = review_cache.load(tmp_path / "a" / "cache")
    assert same(again, found)
    assert all(isinstance(part, np.memmap) for part in (*again.train, *again.test))


def test_writing_into_what_was_loaded_changes_no_file(tmp_path, found):
    review_cache.save(found, tmp_path / "cache")
    review_cache.load(tmp_path / "cache").train.tokens[:] = 0
    assert same(review_cache.load(tmp_path / "cache"), found)


def test_nothing_else_is_left_beside_it_and_no_pickle_in_it(tmp_path, found):
    review_cache.save(found, tmp_path / "cache")
    assert [p.name for p in tmp_path.iterdir()] == ["cache"]
    for path in (tmp_path / "cache").glob("*.npy"):
        assert not np.load(path, allow_pickle=False).dtype.hasobject


def test_a_missing_cache_is_none(tmp_path):
    assert review_cache.load(tmp_path / "cache") is None


@pytest.mark.parametrize("name", ["train.tokens.npy", "test.labels.npy", "words.json"])
@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "noise"])
def test_a_damaged_cache_is_none_and_is_made_again(tmp_path, found, name, damage):
    cache = tmp_path / "cache"
    review_cache.save(found, cache)
    path = cache / name
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes({"cut": whole[:-9], "empty": b"", "noise": b"\x00" * 200}[damage])
    assert review_cache.load(cache) is None
    review_cache.save(found, cache)
    assert same(review_cache.load(cache), found)


def test_an_index_out_of_range_is_none(tmp_path, found):
    review_cache.save(found, tmp_path / "cache")
    np.save(tmp_path / "cache" / "train.tokens.npy", np.full_like(found.train.tokens, 40))
    assert review_cache.load(tmp_path / "cache") is None


def test_a_whole_cache_is_left_as_it_is(tmp_path, found):
    review_cache.save(found, tmp_path / "cache")
    before = (tmp_path / "cache" / "words.json").stat()
    review_cache.save(found, tmp_path / "cache")
    after = (tmp_path / "cache" / "words.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_disk_that_is_full_leaves_nothing(tmp_path, found, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        review_cache.save(found, tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []
