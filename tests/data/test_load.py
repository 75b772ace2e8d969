import gzip

import pytest

from a3b_tune.data import Dataset, Text, imdb, synth, wp
from a3b_tune.data.load import NAMES, TEXTS, load
from a3b_tune.errors import InputError


def test_every_name_loads(tmp_path, make_reviews, pack, monkeypatch):
    monkeypatch.setattr(wp, "SIZE", 1_000)
    (tmp_path / wp.FILE).write_bytes(gzip.compress(bytes(1_000)))
    (tmp_path / imdb.FILE).write_bytes(pack(make_reviews()))
    path = tmp_path / "a.txt"
    path.write_text("a\tone\nb\ttwo\na\tthree\nb\tfour\na\tfive\n")
    for name in NAMES:
        data = load(name, data_dir=tmp_path, path=path)
        assert data.name == name and len(data.train) and len(data.validation)
        assert isinstance(data, Text if name in TEXTS else Dataset)


def test_the_seed_is_passed_on():
    assert load("synth", seed=4).data_hash == synth.load(4).data_hash


def test_the_columns_and_the_split_are_passed_on(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("words,stars\n" + "one,1\ntwo,2\n" * 10)
    data = load("table", path=path, text_column="words", label_column="stars", split=0.5)
    assert (len(data.train), data.class_names) == (10, ("1", "2"))


def test_characters_tokens_and_the_split_of_a_text_are_passed_on(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("añb" * 100)
    assert 3_000 <= len(load("toy", characters=3_000).train) < 4_000
    text = load("text", path=path, tokens="bytes", split=0.25)
    assert (len(text.train), len(text.test), text.unit) == (200, 100, "byte")


def test_fewer_words_and_rows():
    data = load("xor", vocabulary=5, rows=100)
    assert (len(data.train), len(data.vocabulary)) == (100, 5)
    assert {token for row in data.train.to_lists()[0] for token in row} == {3, 4}


def test_a_name_that_is_not_known():
    with pytest.raises(InputError, match=r"unknown data set 'imbd'; did you mean 'imdb'\?"):
        load("imbd")


def test_a_table_needs_a_file():
    with pytest.raises(InputError, match=r"^data.path: a table needs a file"):
        load("table")
