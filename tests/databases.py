"""A fresh database for a test: a file, or one on a real Postgres."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from tests.postgres import server


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/studies.db"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with server() as address:
        yield address


@pytest.fixture
def new_database(postgres: str) -> Iterator[str]:
    """The URL of an empty database on the real Postgres."""
    name = f"test_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(
        postgres.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    engine.dispose()
    yield postgres.rsplit("/", 1)[0] + f"/{name}"


def of_each_kind(request: pytest.FixtureRequest) -> str:
    """The URL for a test that runs on SQLite and on Postgres."""
    found: str = request.getfixturevalue("url" if request.param == "sqlite" else "new_database")
    return found
