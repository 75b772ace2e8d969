"""The words that open the dashboard: made, read from their files, compared.

Only digests are kept, so no word can be told by mistake. Knows no request.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from a3b_tune.errors import InputError
from a3b_tune.storage.addresses import token_from_file

# Characters of a token that nobody guesses, however it was made.
SHORTEST = 16


class Role(Enum):
    """What somebody may do."""

    VIEWER = "viewer"
    EDITOR = "editor"


@dataclass(frozen=True)
class Tokens:
    """Who is let in by which word."""

    _digests: dict[Role, bytes] = field(repr=False)

    def role(self, word: str) -> Role | None:
        """Whose word this is. It takes equally long whatever the word."""
        given = _digest(word)
        found = [role for role, known in self._digests.items() if hmac.compare_digest(known, given)]
        return found[0] if found else None


def read_tokens(editor: Path | None, viewer: Path | None) -> Tokens | None:
    """The tokens of two files; None where there is neither.

    :raises InputError: a file is not there, holds no token or one that could be guessed, or both
        hold the same.
    """
    options = {Role.EDITOR: ("--token-file", editor), Role.VIEWER: ("--viewer-token-file", viewer)}
    digests = {
        role: _digest(_read(path, option))
        for role, (option, path) in options.items()
        if path is not None
    }
    if len(set(digests.values())) < len(digests):
        raise InputError(
            "--viewer-token-file: holds the same token as --token-file; viewers need one of their "
            "own"
        )
    return Tokens(digests) if digests else None


def make_token(path: Path) -> None:
    """Writes a new token into a new file that only its owner can read.

    :raises InputError: the file is there already, or cannot be made.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"--make-token {path}: is there already; name a new file") from None
    except OSError as error:
        raise InputError(f"--make-token {path}: {error.strerror}") from None
    with os.fdopen(handle, "w") as file:
        file.write(f"{secrets.token_urlsafe(32)}\n")


def _read(path: Path, option: str) -> str:
    token = token_from_file(path, option)
    if len(token) < SHORTEST:
        raise InputError(
            f"{option} {path}: a token of {len(token)} characters can be guessed; make one with "
            "`a3b-tune dashboard --make-token FILE`"
        )
    return token


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).digest()
