"""Texts come out of files and streams whole, in order, and what is wrong is said with its place."""

import io
import os

import pytest

from a3b_tune.errors import InputError
from a3b_tune.finals import lines as module
from a3b_tune.finals.lines import check, lines, texts_of


def read(raw: bytes) -> list[str]:
    return [line for block in lines(io.BufferedReader(io.BytesIO(raw)), "it") for line in block]


CASES = {
    b"": [],
    b"a\nb\n": ["a", "b"],
    b"a\r\n\r\nb": ["a", "", "b"],
    b"\xef\xbb\xbfa\n": ["a"],
    "käse\n\u2028x\x0c\n".encode(): ["käse", "\u2028x\x0c"],
}


@pytest.mark.parametrize("block", [1, 2, 2**20])
@pytest.mark.parametrize("raw", CASES)
def test_lines_are_whole_wherever_a_block_ends(monkeypatch, raw, block):
    monkeypatch.setattr(module, "BLOCK", block)
    assert read(raw) == CASES[raw]


def test_what_is_there_is_not_held_back():
    """A line that was written to a pipe comes before the pipe is closed."""

    out, into = os.pipe()
    with os.fdopen(out, "rb") as stream, os.fdopen(into, "wb", buffering=0) as writer:
        found = lines(stream, "pipe")
        writer.write(b"first\nsec")
        assert next(found) == ["first"]
        writer.write(b"ond\n")
        assert next(found) == ["second"]


@pytest.mark.parametrize("block", [3, 2**20])
def test_another_encoding_is_told_with_line_and_byte(monkeypatch, block):
    monkeypatch.setattr(module, "BLOCK", block)
    with pytest.raises(InputError, match=r"it: line 3, byte 4: not UTF-8 \(0xe9\)"):
        read(b"a\nb\ncaf\xe9\nd\n")


def test_a_column_of_a_table_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 2)
    path = tmp_path / "a.csv"
    path.write_text('label,text\n1,"two\nlines, and ""more"""\n\n0,b\n1,c\n')
    assert list(texts_of(path, "text")) == [['two\nlines, and "more"', "b"], ["c"]]
    assert list(texts_of(path, "label")) == [["1", "0"], ["1"]]


MISTAKES = {
    "no column": (
        "a.csv",
        b"label,txt\n1,a\n",
        "line 1: unknown column 'text'; did you mean 'txt'",
    ),
    "nothing": ("a.tsv", b"", "line 1: unknown column 'text'"),
    "a field too many": ("a.tsv", b"label\ttext\n1\ta\n1\ta\tb\n", "line 3: 3 fields"),
    "an open quote": ("a.csv", b'text\n"a\n', "line 2: "),
    "Latin-1": ("a.csv", b"text\ncaf\xe9\n", "line 2, byte 4"),
    "Latin-1 in lines": ("a.txt", b"caf\xe9\n", "line 1, byte 4"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_wrong_with_a_file_is_one_line_before_any_text(tmp_path, name):
    file, content, told = MISTAKES[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError) as caught:
        check(tmp_path / file, "text")
    assert str(caught.value).startswith(f"{tmp_path / file}: {told}")


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        check(tmp_path / "none.txt", "text")
