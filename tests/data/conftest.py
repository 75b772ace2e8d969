"""Review files made on the spot, and the real one where the checkout has it."""

import gzip
import pickle
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from a3b_tune.data.vocabulary import SPECIALS

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def reviews(rows: int = 5_200) -> tuple:
    """The course's four things, small: `rows` to train, 50 to test, 40 words."""
    draw = random.Random(1)
    i2w = [*SPECIALS, *(f"word{chr(97 + n // 6)}{chr(97 + n % 6)}" for n in range(36))]

    def row() -> list[int]:
        return [draw.randrange(4, 40) for _ in range(draw.randrange(1, 9))]

    sequences = {"train": [row() for _ in range(rows)], "test": [row() for _ in range(50)]}
    labels = {name: [draw.randrange(2) for _ in part] for name, part in sequences.items()}
    return sequences, labels, i2w, {word: index for index, word in enumerate(i2w)}


@pytest.fixture
def make_reviews() -> Callable[..., tuple]:
    return reviews


@pytest.fixture
def pack() -> Callable[..., bytes]:
    """An object as a gzipped pickle."""

    def packed(thing: object, protocol: int = 4) -> bytes:
        return gzip.compress(pickle.dumps(thing, protocol), 1)

    return packed


@pytest.fixture
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, moved to an empty folder; no data folder is named."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-cache"))
    monkeypatch.delenv("A3B_TUNE_DATA", raising=False)
    return tmp_path / "user-cache"


@pytest.fixture
def shared_data() -> Path:
    if not (SHARED / "imdb.word.pkl.gz").is_file():
        pytest.skip("no ../shared/data/imdb.word.pkl.gz beside this checkout")
    return SHARED
