"""Word vectors from a text file, packed or not: the right rows, and one line for what is wrong."""

import gzip
import zipfile
from pathlib import Path

import pytest
import torch

from a3b_tune.data import glove
from a3b_tune.data.glove import load_vectors
from a3b_tune.data.load import load
from a3b_tune.data.safe_pickle import BadFileError
from a3b_tune.data.vocabulary import Vocabulary
from a3b_tune.errors import InputError

WORDS = Vocabulary.of(["good", "film", "unheard", "film"])
TEXT = "the 0.5 0.5\ngood 1.0 -2\nfilm .25 1e-1\ngood 9 9\n"


@pytest.fixture
def write(tmp_path):
    def written(text: str | bytes, name: str = "vectors.txt") -> Path:
        path = tmp_path / name
        data = text.encode() if isinstance(text, str) else text
        if name.endswith(".gz"):
            data = gzip.compress(data)
        if name.endswith(".zip"):
            with zipfile.ZipFile(path, "w") as packed:
                packed.writestr(name.removesuffix(".zip"), data)
        else:
            path.write_bytes(data)
        return path

    return written


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.txt.gz", "vectors.txt.zip"])
@pytest.mark.parametrize("by_name", [True, False])
def test_known_words_get_their_vectors_and_the_first_of_two_counts(tmp_path, write, name, by_name):
    path = write(TEXT, name)
    found = load_vectors("vectors" if by_name else str(path), WORDS, tmp_path)
    rows = dict(zip(found.words.tolist(), found.values.tolist(), strict=True))
    # "film" stands in the vocabulary twice, as words of synth do.
    assert rows == {4: [1.0, -2.0], 5: [0.25, pytest.approx(0.1)], 7: [0.25, pytest.approx(0.1)]}
    assert (found.length, len(found.digest)) == (2, 64)
    assert found.coverage.startswith("vectors of vectors.txt")
    assert found.coverage.endswith("for 3 of 8 words")


def test_all_of_glove_6b_is_one_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / glove.FILE, "w") as packed:
        for length, name in zip(glove.LENGTHS, glove.MEMBERS, strict=True):
            packed.writestr(name, "film" + " 0.5" * length)
    glove.check_file(tmp_path / glove.FILE)
    assert load_vectors("glove.6B.100d", WORDS, tmp_path).values.shape == (2, 100)
    with pytest.raises(InputError, match=r"'glove.6B.10d'; did you mean 'glove.6B.100d'\?"):
        load_vectors("glove.6B.10d", WORDS, tmp_path)


def test_words_with_blanks_and_a_heading_are_read(tmp_path, write):
    blanks = write("good 1 2\n. . . 3 4\nat name@example.org 5 6\nfilm 7 8 \n")
    assert load_vectors(str(blanks), WORDS, tmp_path).values.tolist() == [[1, 2], [7, 8], [7, 8]]
    heading = write("2 3\ngood 1 2 3\nfilm 4 5 6\n", "other.vec")
    assert load_vectors(str(heading), WORDS, tmp_path).length == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "vectors.txt: line 1 is not a word and its numbers"),
        ("good\nfilm 1\n", "vectors.txt: line 1 is not a word and its numbers"),
        ("good 1 2\nbad 1\n", "vectors.txt: line 2 is not a word and 2 numbers"),
        ("good 1 2\n\nfilm 1 2\n", "vectors.txt: line 2 is not a word and 2 numbers"),
        ("good 1 2\nbad 1 2 3\n", "vectors.txt: line 2 is not a word and 2 numbers"),
        ("the 1 2\nx 1 2\ngood 1 \x1b[2J\n", r"line 3 holds '\x1b[2J', which is no number"),
        ("good 1 2\nfilm nan 2\n", "vectors.txt: line 2 holds 'nan', which is no number"),
        ("good 1 2\nfilm 1e999 2\n", "vectors.txt: line 2 holds '1e999', which is no number"),
        ("2 3\ngood 1 2\n", "vectors.txt: line 2 is not a word and 3 numbers"),
        ("good 1 2\n" + "x" * 2**18, "vectors.txt: line 2 is not a word and 2 numbers"),
        ("the 1 2\nof 3 4\n", "vectors.txt has no vector for any of the 8 words"),
    ],
)
def test_a_malformed_line_is_told_with_its_number(tmp_path, write, text, line):
    with pytest.raises(InputError) as caught:
        load_vectors(str(write(text)), WORDS, tmp_path)
    assert line in str(caught.value)
    assert str(caught.value).startswith("data.embeddings: ")
    assert str(caught.value).isprintable()


def test_a_packed_file_that_is_cut_short_or_none_is_one_line(tmp_path, write):
    whole = write(TEXT * 99, "v.txt.gz")
    whole.write_bytes(whole.read_bytes()[:-20])
    other = tmp_path / "w.zip"
    other.write_bytes(b"no zip")
    for path, why in ((whole, "cut short"), (other, "not a zip"), (tmp_path, "no such file")):
        with pytest.raises(InputError, match=f"^data.embeddings: .*{path.name}.*{why}"):
            load_vectors(str(path), WORDS, tmp_path)


def test_what_is_not_there_is_told_with_what_gets_it(tmp_path):
    with pytest.raises(InputError, match=r"'glove.6B.100d' is not in .*a3b-tune data fetch glove"):
        load_vectors("glove.6B.100d", WORDS, tmp_path)


def test_a_file_without_one_of_the_four_is_not_glove(tmp_path, write):
    with pytest.raises(BadFileError, match=r"no glove.6B.50d.txt in it"):
        glove.check_file(write(TEXT, "glove.6B.zip"))
    path = tmp_path / "broken.zip"
    path.write_bytes(b"<html>")
    with pytest.raises(BadFileError, match="not a zip, or cut short"):
        glove.check_file(path)


def test_the_vectors_are_part_of_the_data_sets_hash(tmp_path, write):
    plain = load("xor")
    one = load("xor", embeddings=str(write("true 1 2\n", "a.txt")))
    other = load("xor", embeddings=str(write("true 1 3\n", "b.txt")))
    assert len({plain.data_hash, one.data_hash, other.data_hash}) == 3
    assert one.vectors is not None and torch.equal(one.vectors.values[0], torch.tensor([1.0, 2.0]))
    assert one.sample(100, 0).vectors is one.vectors
    assert one.first_words(5).vectors is None
