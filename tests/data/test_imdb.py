import json
import os
import random
import subprocess
import sys

import pytest

from a3b_tune.data import imdb
from a3b_tune.errors import InputError


@pytest.fixture
def folder(tmp_path, make_reviews, pack, user_cache):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / imdb.FILE).write_bytes(pack(make_reviews()))
    return tmp_path / "data"


def as_the_course(things, seed):
    """The course's own loop, over lists."""
    sequences, labels, _, _ = things
    random.seed(seed)
    held = set(random.sample(range(len(sequences["train"])), k=5_000))
    train, validation = [], []
    for n, pair in enumerate(zip(sequences["train"], labels["train"], strict=True)):
        (validation if n in held else train).append(pair)
    return train, validation


def pairs(rows):
    return list(zip(*rows.to_lists(), strict=True))


@pytest.mark.parametrize("seed", [0, 7])
def test_the_split_is_the_courses(folder, make_reviews, seed):
    data = imdb.load(folder, seed=seed)
    train, validation = as_the_course(make_reviews(), seed)
    assert pairs(data.train) == sorted(train, key=lambda pair: len(pair[0]))
    assert pairs(data.validation) == sorted(validation, key=lambda pair: len(pair[0]))
    assert data.class_names == ("positive", "negative")


def test_final_is_the_whole_training_part_against_the_test_part(folder):
    data = imdb.load(folder, final=True)
    assert (len(data.train), len(data.validation)) == (5_200, 50)


def test_the_cache_gives_the_same_data_without_the_pickle(folder, monkeypatch):
    first = imdb.load(folder)
    monkeypatch.setattr(imdb.reviews, "parse", lambda packed: pytest.fail("read the pickle again"))
    assert imdb.load(folder).data_hash == first.data_hash


def test_another_file_is_not_answered_from_the_old_ones_cache(folder, make_reviews, pack):
    imdb.load(folder)
    stamp = (folder / imdb.FILE).stat()
    (folder / imdb.FILE).write_bytes(pack(make_reviews(5_100)))
    os.utime(folder / imdb.FILE, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert len(imdb.load(folder).train) == 100


def test_a_read_only_data_folder_is_left_as_it_is(folder, user_cache):
    folder.chmod(0o555)
    imdb.load(folder)
    assert [path.name for path in folder.iterdir()] == [imdb.FILE]
    assert list((user_cache / "a3b-tune" / "cache").iterdir())


def test_a_missing_file_is_named_with_the_way_to_get_it(tmp_path):
    with pytest.raises(InputError) as caught:
        imdb.load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / imdb.FILE}: no such file; `a3b-tune data fetch imdb --data-dir {tmp_path}`"
        " gets it, or place it there by hand"
    )


@pytest.mark.parametrize("damage", ["cut", "html", "class", "small"])
def test_a_bad_file_is_one_line_and_leaves_no_cache(folder, pack, make_reviews, damage):
    path = folder / imdb.FILE
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[:-2000],
            "html": b"<html>",
            "class": pack(random.Random()),
            "small": pack(make_reviews(5_000)),
        }[damage]
    )
    with pytest.raises(InputError) as caught:
        imdb.load(folder)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and "data fetch imdb" in line and "\n" not in line
    assert [entry.name for entry in folder.iterdir()] == [imdb.FILE]


def test_a_file_far_too_large_is_not_read(folder):
    with (folder / imdb.FILE).open("wb") as file:
        file.truncate(imdb.PACKED_LIMIT + 1)
    with pytest.raises(InputError, match="67,108,865 bytes"):
        imdb.load(folder)


def test_a_full_disk_is_one_line(folder, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(imdb.review_cache, "save", full)
    with pytest.raises(
        InputError, match=r"the cache cannot be written \(No space left on device\)"
    ):
        imdb.load(folder)


MEASURE = """
import json, resource, sys, time
from pathlib import Path
from a3b_tune.data import imdb
begin = time.perf_counter()
data = imdb.load(Path(sys.argv[1]))
data.data_hash
seconds = time.perf_counter() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
sizes = [len(data.train), len(data.validation), len(data.vocabulary), data.train.longest]
print(json.dumps([seconds, peak / 2**20, sizes, data.data_hash]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_the_real_file_loads_within_its_time_and_memory(shared_data, user_cache):
    def measured():
        command = [sys.executable, "-c", MEASURE, str(shared_data)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(ran.stdout)

    first, second = measured(), measured()
    print(f"first {first[0]:.2f} s, second {second[0]:.2f} s, peak {first[1]:.2f} GiB")
    assert first[0] < 20 and first[1] < 1.5
    assert second[0] < 1.5 and second[1] < 1.5
    assert first[2:] == second[2:]
    assert first[2] == [20_000, 5_000, 99_437, 2_494]
