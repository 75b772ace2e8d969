"""A study to look at, and the dashboard in front of it."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("optuna_dashboard", reason="the dashboard is an extra")
pytest.importorskip("waitress", reason="the dashboard is an extra")
pytest.importorskip("matplotlib", reason="the dashboard is an extra")

from tests.results.dashboard import visiting


@pytest.fixture
def mixed_url(mixed, tmp_path) -> str:
    """A copy, to be written to, of a study with trials in each state."""
    source = Path(mixed.storage.url.removeprefix("sqlite:///"))
    for file in source.parent.glob(f"{source.name}*"):
        shutil.copy(file, tmp_path / file.name)
    return f"sqlite:///{tmp_path / source.name}"


@pytest.fixture
def locked(mixed_url, tmp_path) -> visiting.Site:
    """The dashboard of one who logs in."""
    return visiting.site(mixed_url, visiting.tokens(tmp_path))


@pytest.fixture
def unlocked(mixed_url) -> visiting.Site:
    """The dashboard of this machine's own."""
    return visiting.site(mixed_url)
