"""Studies that the tests only read, built once."""

import pytest

from a3b_tune.tuning.studies import StoredStudy
from tests.results import building


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> StoredStudy:
    """Twelve trials of the baseline on xor, really trained."""
    return building.trained(building.url_in(tmp_path_factory.mktemp("small")), 12)


@pytest.fixture(scope="session")
def mixed(tmp_path_factory) -> StoredStudy:
    """One trial or two in each state."""
    return building.told(building.url_in(tmp_path_factory.mktemp("mixed")), building.MIXED)


@pytest.fixture
def url(tmp_path) -> str:
    return building.url_in(tmp_path)
