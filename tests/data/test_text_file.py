import gzip
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.data.load import load
from a3b_tune.data.text_file import load as load_text
from a3b_tune.errors import InputError

TEXT = "The quick brown fox jumps over the lazy dög. " * 20


@pytest.fixture(autouse=True)
def here(tmp_path, user_cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(params=["plain", "gz"])
def path(request, here) -> Path:
    raw, gz = TEXT.encode(), request.param == "gz"
    made = here / ("text.txt.gz" if gz else "text.txt")
    made.write_bytes(gzip.compress(raw) if gz else raw)
    return made


def joined(text) -> torch.Tensor:
    return torch.cat(list(text.parts.values()))


def test_characters(path):
    text = load("text", path=path)
    assert text.alphabet.decode(joined(text)) == TEXT
    assert text.unit == "character" and text.alphabet.i2t[0] == " "
    assert len(text.alphabet) == len(set(TEXT)) and ".pad" not in text.alphabet.i2t
    assert text.ideal is text.floor is text.judge is None


def test_bytes(path):
    text = load("text", path=path, tokens="bytes")
    assert bytes(joined(text).tolist()) == TEXT.encode()
    assert text.unit == "byte" and len(text.alphabet) == 256


@given(st.integers(3, 2000), st.floats(0.01, 0.49))
def test_as_much_is_for_the_test_as_for_validation(size, split):
    path = Path("sized.txt")
    path.write_text("ab" * size)
    held = round(2 * size * split)
    if 0 < held < size:
        text = load_text(path, split=split)
        assert len(text.validation) == len(text.test) == held
        assert len(text.train) == 2 * size - 2 * held > 0


def test_the_hash_is_of_the_bytes_and_of_the_way_they_are_cut(path):
    some = [
        load_text(path, "bytes"),
        load_text(path),
        load_text(path, split=0.1),
    ]
    assert len({text.data_hash for text in some}) == 3
    assert load_text(path).data_hash == some[1].data_hash
    path.with_name("moved" + path.name).write_bytes(path.read_bytes())
    assert load_text(path.with_name("moved" + path.name)).data_hash == some[1].data_hash


def test_an_alphabet_of_many_characters(here):
    (here / "wide.txt").write_text("".join(map(chr, range(0x4E00, 0x4E00 + 3000))))
    text = load_text(here / "wide.txt")
    assert text.train.dtype == torch.int32 and len(text.alphabet) == 3000


def test_a_mark_at_the_beginning_of_the_file_is_no_character(here):
    (here / "marked.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert "\ufeff" not in load_text(here / "marked.txt").alphabet.i2t


@pytest.mark.parametrize(
    ("raw", "name", "tokens", "what"),
    [
        (None, "none.txt", "characters", "none.txt: no such file"),
        (None, "none.txt", "bytes", "none.txt: no such file"),
        (None, ".", "characters", ".: cannot be read (Is a directory)"),
        (None, ".", "bytes", ".: cannot be read (Is a directory)"),
        (b"", "a.txt", "characters", "a.txt: empty"),
        (b"", "a.txt", "bytes", "a.txt: empty"),
        (gzip.compress(b"", mtime=0), "a.txt.gz", "bytes", "a.txt.gz: empty"),
        (b"ab\ncd\xff", "a.txt", "characters", "a.txt: line 2, byte 3: not UTF-8 (0xff); data.tok"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], "a.gz", "characters", "a.gz: cut short"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], "a.gz", "bytes", "a.gz: cut short"),
        (b"plain", "a.gz", "bytes", "a.gz: not gzip, or damaged"),
        (b"abcdefghi", "a.txt", "characters", "a.txt: a split of 0.05, for validation and again"),
        (b"abc", "a.txt", "bits", "data.tokens: unknown kind of token 'bits'; did you mean 'byte"),
    ],
)
def test_a_bad_file_is_one_line(here, raw, name, tokens, what):
    if raw is not None:
        (here / name).write_bytes(raw)
    with pytest.raises(InputError) as caught:
        load_text(Path(name), tokens)
    assert str(caught.value).startswith(what) and str(caught.value).isprintable()


@pytest.mark.parametrize("split", [0.0, 0.0001, 0.5, 0.9])
def test_a_split_that_leaves_a_part_empty_is_refused(path, split):
    with pytest.raises(InputError, match="leaves a part of its 900 characters empty"):
        load_text(path, split=split)


def test_a_cache_that_cannot_be_written_is_named(here, monkeypatch):
    (here / "a.gz").write_bytes(gzip.compress(TEXT.encode(), mtime=0))
    (here / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "file"))
    with pytest.raises(InputError) as caught:
        load_text(Path("a.gz"), "bytes")
    line = str(caught.value)
    assert line.startswith(f"a.gz: cannot be unpacked into {here}/file/a3b-tune/cache (Not a dir")
    assert "XDG_CACHE_HOME" in line and line.isprintable()


def test_a_text_needs_a_path():
    with pytest.raises(InputError, match=r"^data.path: a text needs a file"):
        load("text")
