"""Studies that several tests of reports only read."""

import pytest

from a3b_tune.tuning.studies import StoredStudy
from tests.results import building
from tests.results.test_importances import decided_by_pool


@pytest.fixture(scope="session")
def decided(tmp_path_factory) -> StoredStudy:
    """As many trials as it takes to say how sure importances are; the pool decides."""
    return decided_by_pool(building.url_in(tmp_path_factory.mktemp("decided")), 40)
