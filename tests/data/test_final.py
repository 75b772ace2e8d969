"""What the last training reads: all that the search had, and a test part that it never saw."""

import hashlib

import pytest
import torch

from a3b_tune.data import imdb, toy
from a3b_tune.data.final import joined, load_final
from a3b_tune.data.load import load
from a3b_tune.errors import InputError
from a3b_tune.study.data_section import DataSection


def final(section: DataSection, folder=None, test_path=None):
    return load_final(section, searched(section, folder), folder, test_path)


def searched(section: DataSection, folder=None):
    from a3b_tune.training.prepared import load_dataset

    return load_dataset(section, folder)


def listed(rows):
    return sorted(zip(*map(list, rows.to_lists()), strict=True))


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("xor", "89382e1687df1974544d1c2303879823272d9d4ff24e2a2bdcea4fc953a28ec2"),
        ("synth", "06a5f9e7836ec975ec714667c0d801cc46d737821716509121d56d5df3b87fbd"),
    ],
)
def test_made_rows_go_on_in_the_same_stream(name, sha256):
    found = final(DataSection(name=name))
    data = load(name)
    assert (len(found.data.train), len(found.test.validation)) == (50_000, 25_000)
    assert torch.equal(found.data.train.labels, joined(data.train, data.validation).labels)
    pairs = zip(*found.test.validation.to_lists(), strict=True)
    assert hashlib.sha256(b"".join(bytes([*x, y]) for x, y in pairs)).hexdigest() == sha256
    assert len({data.data_hash, found.data.data_hash, found.test.data_hash}) == 3


def test_a_sample_goes_with_all_rows_that_validate():
    found = final(DataSection(name="xor", rows=100))
    assert (len(found.data.train), found.sampled) == (25_100, True)


def test_pairs_are_those_of_all_rows_and_the_test_has_the_same():
    found = final(DataSection(name="synth", bigrams=30))
    words = found.data.vocabulary.i2w
    assert len(words) == 72 + 30 and found.test.vocabulary.i2w == words
    assert found.test.pairs is found.data.pairs


@pytest.mark.parametrize("vocabulary", [None, 8])
def test_imdb_is_the_file_as_it_stands(tmp_path, make_reviews, pack, vocabulary):
    (tmp_path / imdb.FILE).write_bytes(pack(make_reviews(5_050)))
    found = final(DataSection(name="imdb", vocabulary=vocabulary), tmp_path)
    whole = imdb.load(tmp_path, final=True)
    if vocabulary is not None:
        whole = whole.first_words(vocabulary)
    for one, other in ((found.data.train, whole.train), (found.test.validation, whole.validation)):
        assert one.to_lists() == other.to_lists()
    assert len(found.data.vocabulary) == len(whole.vocabulary)
    assert len(found.data.validation) == 5_000


@pytest.fixture
def tables(tmp_path):
    """A table of ten rows and one of two: the words of the second are all in the first."""
    films, test = tmp_path / "films.csv", tmp_path / "test.csv"
    rows = [f"word{chr(97 + n)} film,{'bad' if n % 2 else 'good'}" for n in range(10)]
    films.write_text("text,label\n" + "\n".join(rows) + "\n")
    test.write_text("text,label\nworda wordj new,good\nfilm,bad\n")
    return films, test


def test_a_table_has_the_words_of_all_its_rows(tables):
    films, test = tables
    found = final(DataSection(name="table", path=str(films), test_path=str(test)))
    data = found.data
    assert (len(data.train), len(data.validation), len(found.test.validation)) == (10, 2, 2)
    assert sorted(data.vocabulary.i2w[4:]) == sorted({"film", *(f"word{c}" for c in "abcdefghij")})
    assert [data.vocabulary.text(row) for row in found.test.validation.to_lists()[0]] == [
        "film", "worda wordj .unk",
    ]  # fmt: skip
    assert all(row in listed(data.train) for row in listed(data.validation))


def test_a_sample_of_a_table_keeps_the_words_of_the_search(tables):
    films, test = tables
    section = DataSection(name="table", path=str(films), rows=4)
    found = final(section, test_path=test)
    assert len(found.data.train) == 6
    assert found.data.vocabulary == searched(section).vocabulary


def test_a_table_without_a_test_part_says_what_to_add(tables):
    with pytest.raises(InputError, match=r"films\.csv has no test part: .* --test-path FILE"):
        final(DataSection(name="table", path=str(tables[0])))


def test_labels_of_the_test_part_must_be_known(tables):
    films, test = tables
    test.write_text("text,label\nfilm,goood\n")
    with pytest.raises(InputError, match=r"test\.csv: line 2: unknown class 'goood'; did you mean"):
        final(DataSection(name="table", path=str(films)), test_path=test)


def test_toy_joins_its_texts_and_knows_what_the_test_text_costs():
    found = final(DataSection(name="toy", characters=2_000))
    text = toy.load(0, 2_000)
    assert torch.equal(found.data.train, torch.cat([text.train, text.validation]))
    assert torch.equal(found.test.validation, text.test)
    assert len(found.test.ideal) == len(text.test)
    assert 0.4 < float(found.test.ideal.mean()) < 0.7


@pytest.mark.parametrize("tokens", ["characters", "bytes"])
def test_a_text_of_ones_own_is_trained_on_all_but_the_test(tmp_path, tokens):
    path = tmp_path / "a.txt"
    path.write_text("abcdefghij" * 20)
    found = final(DataSection(name="text", path=str(path), tokens=tokens, split=0.1))
    assert (len(found.data.train), len(found.test.validation)) == (180, 20)
    assert found.data.validation.tolist() == found.data.train[-20:].tolist()
