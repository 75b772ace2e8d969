"""A folder that appears whole or not at all."""

import resource

import pytest

from a3b_tune.errors import InputError
from a3b_tune.finals.folder import check_target, put_folder
from tests.commands import contents

KNOWN = ("a.json", "b.bin")
FILES = {"a.json": b"{}", "b.bin": bytes(50_000)}


def test_it_is_there_with_all_its_files(tmp_path):
    put_folder(tmp_path / "new", FILES, KNOWN)
    assert contents(tmp_path) == ["new", "new/a.json", "new/b.bin"]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "new").mkdir()
    put_folder(tmp_path / "new", FILES, KNOWN)
    assert contents(tmp_path / "new") == ["a.json", "b.bin"]


def test_what_is_there_is_only_replaced_if_asked(tmp_path):
    path = tmp_path / "new"
    put_folder(path, {"a.json": b"old"}, KNOWN)
    with pytest.raises(InputError, match="is there already; add --force"):
        put_folder(path, FILES, KNOWN)
    assert (path / "a.json").read_bytes() == b"old"
    put_folder(path, FILES, KNOWN, force=True)
    assert contents(tmp_path) == ["new", "new/a.json", "new/b.bin"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match=r"holds 'letter\.txt'"):
        check_target(tmp_path / "mine", KNOWN, force=True)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for name in ("link", "mine/letter.txt"):
        with pytest.raises(InputError, match="is no folder"):
            check_target(tmp_path / name, KNOWN, force=True)
    with pytest.raises(InputError, match="there is no folder"):
        check_target(tmp_path / "none" / "new", KNOWN)


@pytest.mark.parametrize("before", [None, b"old"])
def test_where_there_is_no_room_nothing_is_left_and_the_old_one_stays(tmp_path, before):
    if before is not None:
        put_folder(tmp_path / "new", {"a.json": before}, KNOWN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(InputError, match="file too large"):
            put_folder(tmp_path / "new", FILES, KNOWN, force=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    left = [] if before is None else ["new", "new/a.json"]
    assert contents(tmp_path) == left
    if before is not None:
        assert (tmp_path / "new" / "a.json").read_bytes() == before
