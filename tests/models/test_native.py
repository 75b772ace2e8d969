"""C++ that is compiled here: once, into the user's cache, and not at all where that cannot be."""

from ctypes import c_int

import pytest

from a3b_tune.models import native

ANSWER = 'extern "C" int answer() { return %d; }\n'


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    native.library.cache_clear()
    yield tmp_path
    native.library.cache_clear()


needs_compiler = pytest.mark.skipif(native.compiler() is None, reason="no C++ compiler here")


@needs_compiler
def test_a_source_is_compiled_once_and_found_again(cache):
    source = cache / "one.cpp"
    source.write_text(ANSWER % 42)
    assert native.library(source).answer() == 42
    (kept,) = native.cache_folder().iterdir()
    written = kept.stat().st_mtime_ns
    native.library.cache_clear()
    assert native.library(source).answer() == 42
    assert kept.stat().st_mtime_ns == written


@needs_compiler
def test_a_source_that_changed_is_another_library(cache):
    source = cache / "one.cpp"
    for number in (1, 2):
        source.write_text(ANSWER % number)
        native.library.cache_clear()
        answer = native.library(source).answer
        answer.restype = c_int
        assert answer() == number
    assert len(list(native.cache_folder().iterdir())) == 2


def test_what_cannot_be_compiled_is_not_there_and_leaves_nothing(cache):
    source = cache / "bad.cpp"
    source.write_text("this is no C++\n")
    assert native.library(source) is None
    assert not native.cache_folder().exists() or not list(native.cache_folder().iterdir())


def test_without_a_compiler_there_is_no_library(cache, monkeypatch):
    monkeypatch.setattr(native, "compiler", lambda: None)
    source = cache / "one.cpp"
    source.write_text(ANSWER % 1)
    assert native.library(source) is None


def test_where_nothing_can_be_kept_there_is_no_library(cache, monkeypatch):
    (cache / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "file"))
    source = cache / "one.cpp"
    source.write_text(ANSWER % 1)
    assert native.library(source) is None


def test_a_processor_has_a_name():
    assert native.processor()
