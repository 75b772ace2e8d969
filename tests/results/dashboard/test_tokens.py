import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.dashboard.tokens import SHORTEST, Role, make_token, read_tokens
from tests.results.dashboard.visiting import TOKEN, VIEWER, token_files, tokens


def test_each_word_has_its_role(tmp_path):
    known = tokens(tmp_path)
    assert known.role(TOKEN) is Role.EDITOR
    assert known.role(VIEWER) is Role.VIEWER


@pytest.mark.parametrize("word", ["", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\udcff", "\0"])
def test_no_other_word_has_one(tmp_path, word):
    assert tokens(tmp_path).role(word) is None


def test_a_viewers_token_alone_lets_nobody_change_anything(tmp_path):
    _, viewer = token_files(tmp_path)
    known = read_tokens(None, viewer)
    assert known is not None
    assert known.role(VIEWER) is Role.VIEWER
    assert known.role(TOKEN) is None


def test_without_files_there_are_none():
    assert read_tokens(None, None) is None


def test_they_cannot_be_shown_by_mistake(tmp_path):
    known = tokens(tmp_path)
    assert TOKEN not in repr(known) + str(vars(known))


def test_a_new_token_is_its_owners_alone(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    make_token(first)
    make_token(second)
    assert first.stat().st_mode & 0o777 == 0o600
    assert first.read_text() != second.read_text()
    assert len(first.read_text().strip()) >= 40
    known = read_tokens(first, second)
    assert known is not None
    assert known.role(second.read_text().strip()) is Role.VIEWER


def test_a_token_that_is_there_is_not_overwritten(tmp_path):
    path = tmp_path / "token"
    path.write_text("mine")
    with pytest.raises(InputError, match=r"^--make-token .*token: is there already"):
        make_token(path)
    assert path.read_text() == "mine"
    with pytest.raises(InputError, match="No such file or directory"):
        make_token(tmp_path / "none" / "token")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "must hold one word, it holds 0"),
        ("two words", "must hold one word, it holds 2"),
        ("x" * (SHORTEST - 1), "can be guessed"),
        ("pässword-pässword", "a token is one word of letters"),
    ],
)
def test_a_file_without_a_good_token_is_refused_and_not_shown(tmp_path, content, why):
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(InputError, match=why) as told:
        read_tokens(path, None)
    assert str(path) in str(told.value)
    assert not content or content not in str(told.value)


def test_two_roles_with_one_token_are_refused(tmp_path):
    editor, viewer = token_files(tmp_path)
    viewer.write_text(TOKEN)
    with pytest.raises(InputError, match="viewers need one of their own"):
        read_tokens(editor, viewer)
